// Learning curves: a pair of lines for each setting of the slider, one pair highlighted
function render(root, {name, at, labels, summaries}) {
  const lines = root.querySelectorAll('svg g[data-line]'), summary = element('output');
  const names = labels.map(text => element('span', {}, text));
  const stops = element('div', {className: 'cc-stops', ariaHidden: 'true'}, ...names);
  const slider = element('input', {type: 'range', min: 0, max: labels.length-1, value: at, oninput: show});
  function show() {
    const i = +slider.value;
    lines.forEach((line, k) => line.classList.toggle('cc-on', k === i));
    lines[i].parentNode.append(lines[i]); // on top of the others
    slider.setAttribute('aria-valuetext', `${name} ${labels[i]}`);
    summary.textContent = `${name} ${labels[i]}: ${summaries[i]}`;
  }
  root.classList.add('cc-awake');
  root.prepend(labelled(name, element('div', {className: 'cc-slider'}, slider, stops)), summary);
  show();
}

(() => {
// What the widgets share. `Widget` puts this file, the file of its kind and a call of `wake` into one function,
// so a page sees none of these names.

// An element; text in it is set as text, never as HTML
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function button(text, onclick) { return element('button', {type: 'button', onclick}, text); }

function labelled(text, field) { return element('label', {}, element('span', {}, text), field); }

function select(names, onchange) {
  return element('select', {onchange}, ...names.map((name, i) => element('option', {value: i}, name)));
}

function dot(a, b) { return a.reduce((sum, x, k) => sum + x*b[k], 0); }

// `x` with `n` decimals, and no minus sign before a zero
function fixed(x, n) { return x.toFixed(n).replace(/^-(0\.?0*)$/, '$1'); }

// Lower case, without accents
function folded(text) { return text.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, ''); }

// A search field over `titles`, whose results are buttons: the first six rows of `order` that have all words in their
// title and that `isTaken` does not leave out. Enter presses the first. `onsearch` gets all matching rows.
function finder(label, titles, order, isTaken, onpick, onsearch = () => {}) {
  const keys = titles.map(folded), list = element('ul', {className: 'cc-found'});
  const input = element('input', {type: 'search', autocomplete: 'off', oninput: show, onkeydown: event => {
    if (event.key === 'Enter') list.querySelector('button')?.click();
  }});
  function show() {
    const words = folded(input.value).split(/\s+/).filter(Boolean);
    const rows = order.filter(i => words.every(word => keys[i].includes(word)));
    onsearch(words.length ? rows : []);
    const offered = rows.filter(i => !isTaken(i)).slice(0, 6);
    list.replaceChildren(...offered.map(i => element('li', {}, button(titles[i], () => onpick(i)))));
    if (!rows.length) list.replaceChildren(element('li', {}, 'No film here has these words in its title.'));
  }
  show();
  return {input, show, box: element('div', {}, labelled(label, input), list)};
}

// Draw each widget of this kind that is on the page and not drawn yet
function wake(kind, render) {
  for (const root of document.querySelectorAll(`.cc[data-kind="${kind}"]:not([data-awake])`)) {
    root.dataset.awake = '';
    // JupyterLab's shortcuts leave alone the keys of what has this attribute
    root.addEventListener('focusin', event => { event.target.dataset.lmSuppressShortcuts = ''; });
    render(root, JSON.parse(root.querySelector('script').textContent));
  }
}
// Learning curves: a pair of lines for each setting of the slider, one pair lit
function render(root, {name, at, labels, summaries}) {
  const lines = root.querySelectorAll('svg g[data-line]'), summary = element('output');
  const slider = element('input', {type: 'range', min: 0, max: labels.length-1, value: at, oninput: show});
  function show() {
    const i = +slider.value;
    lines.forEach((line, k) => line.classList.toggle('cc-on', k === i));
    lines[i].parentNode.append(lines[i]); // on top of the others
    slider.setAttribute('aria-valuetext', `${name} ${labels[i]}`);
    summary.textContent = `${name} ${labels[i]}: ${summaries[i]}`;
  }
  root.classList.add('cc-awake');
  root.prepend(labelled(name, slider), summary);
  show();
}
wake("curves", render);
})();
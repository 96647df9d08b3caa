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

// A title without the year, an article in its place
function shortened(title) { return title.replace(/ \(\d{4}\)$/, '').replace(/^(.+), (The|A|An)$/, '$2 $1'); }

// A search field over `titles`, whose results are buttons: the first six rows of `order` that have all words in their
// title and that `isTaken`, which is told whether there are words, does not leave out. Enter presses the first.
// `onsearch` gets all matching rows.
function finder(label, titles, order, isTaken, onpick, onsearch = () => {}) {
  const keys = titles.map(folded), list = element('ul', {className: 'cc-found'});
  const input = element('input', {type: 'search', autocomplete: 'off', oninput: show, onkeydown: event => {
    if (event.key === 'Enter') list.querySelector('button')?.click();
  }});
  function show() {
    const words = folded(input.value).split(/\s+/).filter(Boolean);
    const rows = order.filter(i => words.every(word => keys[i].includes(word)));
    onsearch(words.length ? rows : []);
    const offered = rows.filter(i => !isTaken(i, words.length > 0)).slice(0, 6);
    list.replaceChildren(...offered.map(i => element('li', {}, button(titles[i], () => onpick(i)))));
    if (!rows.length) list.replaceChildren(element('li', {}, 'No film here has these words in its title.'));
  }
  show();
  return {input, show, box: element('div', {}, labelled(label, input), list)};
}

// Solve A x = b for a symmetric, positive definite A; both are overwritten
function solve(A, b) {
  const n = b.length;
  for (let k = 0; k < n; k++) for (let i = k+1; i < n; i++) {
    const f = A[i][k]/A[k][k];
    for (let j = k; j < n; j++) A[i][j] -= f*A[k][j];
    b[i] -= f*b[k];
  }
  for (let k = n-1; k >= 0; k--) {
    for (let j = k+1; j < n; j++) b[k] -= A[k][j]*b[j];
    b[k] /= A[k][k];
  }
  return b;
}

// Rows of `width` numbers each, from 16-bit multiples of a step in base64
function unpacked(text, step, width) {
  const integers = new Int16Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
  return Array.from({length: integers.length/width}, (_, i) =>
    Array.from(integers.subarray(i*width, (i+1)*width), v => v*step));
}

// The first `n` rows by score, each title once, and none of a title among `rows`
function bestRows(titles, scores, rows, n) {
  const seen = new Set(rows.map(i => titles[i])), top = [];
  for (const i of titles.map((_, i) => i).sort((a, b) => scores[b]-scores[a])) {
    if (seen.has(titles[i])) continue;
    seen.add(titles[i]);
    if (top.push(i) === n) break;
  }
  return top;
}

// The films that a user rates: a search field, and stars for each film that was picked, none or `first` to begin with.
// `rated` maps rows to ratings, null for none; whenever it has changed, `onchange` gets the rows that have one.
function rater(label, {titles, counts, stars}, rated, first, onchange) {
  const byCount = titles.map((_, i) => i).sort((a, b) => counts[b]-counts[a]), known = new Set();
  const offered = byCount.filter(i => !known.has(titles[i]) && known.add(titles[i])); // each title once
  const mine = element('div'), groupName = `cc-${Math.random()}`;
  const changed = () => onchange([...rated.keys()].filter(i => rated.get(i) !== null).sort((a, b) => a-b));
  function line(i) { // a film, its stars, and a button that removes it
    const choice = stars.map((value, k) => element('label', {className: 'cc-star'}, element('input', {
      type: 'radio', name: `${groupName}-${i}`, value, checked: rated.get(i) === value,
      'aria-label': `${value} of ${stars.at(-1)}`, onchange: () => { rated.set(i, value); changed(); }}), '★'));
    const remove = button('×', () => { rated.delete(i); show(); search.input.focus(); });
    remove.ariaLabel = `Remove ${titles[i]}`;
    return element('fieldset', {className: 'cc-film'}, element('legend', {}, titles[i]), ...choice, remove);
  }
  function show() {
    mine.replaceChildren(...[...rated.keys()].map(line));
    search.show();
    changed();
  }
  const search = finder(label, titles, offered, (i, asked) => rated.has(i) || rated.size > 0 && !asked, i => {
    rated.set(i, first);
    search.input.value = '';
    show();
    const radios = mine.lastChild;
    (radios.querySelector(':checked') ?? radios.querySelector('input')).focus();
  });
  return {box: element('div', {}, search.box, mine), show};
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
wake("curves", render);
})();
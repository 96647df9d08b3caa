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
// Rate a few films, and see two lists: of a new user pulled towards the mean user, and of one pulled towards zero
function render(root, data) {
  const {titles, stars, weights, matrix, n} = data, rated = new Map(data.rated), zero = data.start.map(() => 0);
  const items = unpacked(data.factors, data.step, zero.length);
  const status = element('p', {role: 'status'});

  function weight(rating) { // between two ratings that can be given, in proportion
    const k = Math.min(Math.max(stars.findIndex(value => rating <= value), 1), stars.length-1);
    return weights[k-1] + (weights[k]-weights[k-1])*(rating-stars[k-1])/(stars[k]-stars[k-1]);
  }
  function pulls(rows, start) { // how far each rating moves the user away from `start`, as in `taste_parts`
    const A = matrix.map(row => [...row]), w = rows.map(i => weight(rated.get(i)));
    rows.forEach((i, t) => items[i].forEach((a, k) => items[i].forEach((b, j) => A[k][j] += w[t]*a*b)));
    return rows.map((i, t) => solve(A.map(row => [...row]), items[i].map(a => w[t]*(1-dot(items[i], start))*a)));
  }
  function best(rows, start) { // title, score, and the score's parts: the start's, then that of each rating
    const moves = pulls(rows, start), user = start.map((s, k) => moves.reduce((sum, move) => sum + move[k], s));
    const scores = items.map(x => dot(x, user));
    return bestRows(titles, scores, rows, n).map(i =>
      [titles[i], scores[i], [dot(items[i], start), ...moves.map(move => dot(items[i], move))]]);
  }
  function why(rows, score, [common, ...parts]) { // what the score is made of, in percent, the largest part first
    const shares = [...common ? [['everyone', common]] : [], ...rows.map((i, t) => [shortened(titles[i]), parts[t]])];
    if (score <= 0 || shares.length < 2) return []; // a hundred percent of one film says nothing
    return shares.sort((a, b) => Math.abs(b[1])-Math.abs(a[1])).map(([name, part]) =>
      `${name} ${fixed(100*part/score, 0)}%`.replace('-', '−'));
  }
  function line(rows, [name, score, parts]) { // a title, the two largest reasons, and all of them when it is opened
    const title = element('span', {className: 'cc-title'}, name), reasons = rows.length ? why(rows, score, parts) : [];
    const small = text => element('small', {className: 'cc-why'}, text);
    if (reasons.length < 3) return element('li', {}, element('div', {}, title, small(reasons.join(' · '))));
    const head = element('summary', {}, title, small(`${reasons.slice(0, 2).join(' · ')} …`));
    return element('li', {}, element('details', {}, head, small(reasons.slice(2).join(' · '))));
  }
  const lists = [['Best bets', 'safe choices'], ['Most yours', 'your taste alone']].map(([name, about]) => {
    const list = element('ol', {className: 'cc-best', 'aria-label': name});
    return {name, list, box: element('div', {}, element('p', {}, element('strong', {}, name), `: ${about}`), list)};
  });
  function recommend(rows) {
    root.state = [data.start, rows.length ? zero : data.start].map(start => best(rows, start));
    lists.forEach(({list}, k) => list.replaceChildren(...root.state[k].map(film => line(rows, film))));
    const films = rows.length === 1 ? 'film' : `${rows.length} films`;
    status.replaceChildren(rows.length
      ? `From your ${films}. Under each title: how much of its score comes from which of them.`
      : 'Nothing is rated: both lists are for the average user.',
      element('span', {className: 'cc-unseen'}, // the first ones are read aloud, too
        ...lists.map(({name}, k) => ` ${name}: ${root.state[k].slice(0, 3).map(([title]) => title).join(', ')}.`)));
  }
  function begin(pairs) {
    rated.clear();
    for (const [row, value] of pairs) rated.set(row, value);
    mine.show();
  }
  const mine = rater(data.label, data, rated, stars.at(-1), recommend);
  const bar = element('div', {className: 'cc-bar', role: 'group', 'aria-label': 'Examples'},
    ...data.presets.map(([name, pairs]) => button(name, () => begin(pairs))), button('clear', () => begin([])));
  root.replaceChildren(element('div', {className: 'cc-three'},
    element('div', {}, bar, mine.box, status), ...lists.map(({box}) => box)));
  mine.show();
}
wake("taste", render);
})();
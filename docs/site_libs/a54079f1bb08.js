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
// A crosstab in `box`: factors that can be dragged, and gradient descent. What is returned stops it.
function board(root, box, data) {
  const {ratings, users, items, goal} = data, state = root.state = {};
  const cells = users.map((_, i) => items.map((_, j) => element('td', {onclick: () => choose(i, j)})));
  const nKnown = ratings.flat().filter(r => r !== null).length;
  let frame = 0; // the request of the next animation frame, 0 while nothing moves
  let byHand = true; // no step of descent since the last reset

  function gradients() { // the loss and its gradients, as in Python
    const [G, H] = [state.users, state.items].map(X => X.map(x => x.map(() => 0)));
    let sum = 0;
    ratings.forEach((row, i) => row.forEach((r, j) => {
      if (r === null) return;
      const u = state.users[i], v = state.items[j], error = dot(u, v) - r;
      sum += error*error;
      u.forEach((_, k) => { G[i][k] += 2*error*v[k]/nKnown; H[j][k] += 2*error*u[k]/nKnown; });
    }));
    return [sum/nKnown, G, H];
  }
  function descend(steps) {
    byHand = false;
    for (; steps > 0; steps--) {
      const [loss, G, H] = gradients();
      state.losses.push(loss);
      [[state.users, G], [state.items, H]].forEach(([X, gradient]) =>
        X.forEach((x, i) => x.forEach((_, k) => x[k] -= data.lr*gradient[i][k])));
    }
  }
  function reset() {
    stop();
    Object.assign(state, structuredClone({users: data.start[0], items: data.start[1], losses: []}));
    byHand = true;
    show();
  }
  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
    go.textContent = 'Descend';
    status.ariaLive = 'polite';
  }
  function run() {
    if (frame) { stop(); return show(); }
    const end = state.losses.length + data.n_steps;
    const atOnce = matchMedia('(prefers-reduced-motion: reduce)').matches;
    go.textContent = 'Stop';
    status.ariaLive = 'off'; // what changes many times a second is not read aloud
    const advance = () => {
      const done = state.losses.length, left = end - done;
      descend(atOnce ? left : Math.min(left, 1 + Math.floor(done/50)));
      if (left <= 0 || !isFinite(gradients()[0])) stop(); else frame = requestAnimationFrame(advance);
      show();
    };
    frame = requestAnimationFrame(advance);
  }

  const go = button('Descend', run), oneStep = button('One step', () => { stop(); descend(1); show(); });
  const status = element('p', {role: 'status'}), aim = element('p', {className: 'cc-aim'});
  const pairText = element('p', {'aria-live': 'polite'});
  const mode = select(['predictions', 'errors', 'ratings'], show);
  const pickers = [users.map(user => `user ${user}`), items].map(names => select(names, show));
  const sliders = pickers.map((_, side) => data.start[0][0].map((_, k) => element('input', {
    type: 'range', min: -3, max: 3, step: .01, 'aria-label': `${side ? 'film' : 'user'}: factor ${k+1}`,
    oninput: event => { stop(); chosen()[side][k] = +event.target.value; show(); }})));
  const values = sliders.map(side => side.map(() => element('span', {className: 'cc-number'})));
  const chosen = () => [state.users[pickers[0].value], state.items[pickers[1].value]];
  function choose(i, j) { [pickers[0].value, pickers[1].value] = [i, j]; show(); }

  const chart = element('div', {className: 'cc-curve'});
  chart.innerHTML = `<svg viewBox="0 0 420 150" role="img" aria-label="Error against steps, on a log scale">
    <path class="cc-axis" d="M40 5V125H415"/><polyline/>
    <text x="34" y="29" text-anchor="end">10</text><text x="34" y="79" text-anchor="end">1</text>
    <text x="34" y="129" text-anchor="end">0.1</text><text x="415" y="18" text-anchor="end">mean squared error</text>
    <text class="cc-steps" x="415" y="143" text-anchor="end"></text></svg>`;
  const line = chart.querySelector('polyline'), lastStep = chart.querySelector('.cc-steps');
  function draw(losses) {
    const nSteps = Math.max(losses.length-1, 50), every = Math.ceil(losses.length/400);
    const y = loss => 125 - 115*Math.log(Math.max(loss, .1)/.1)/Math.log(200);
    const point = (loss, k) => `${(40 + 375*k/nSteps).toFixed(1)},${Math.max(y(loss), 0).toFixed(1)}`;
    const points = losses.map(point).filter((_, k) => k%every === 0 || k === losses.length-1);
    line.setAttribute('points', points.join(' '));
    lastStep.textContent = `${nSteps} steps`;
  }

  function fill(td, i, j) { // one cell of the table: what it shows, and its tint
    const r = ratings[i][j], prediction = dot(state.users[i], state.items[j]), error = prediction-r;
    const texts = {0: fixed(prediction, 1), 1: r === null ? '' : fixed(error, 1), 2: r ?? ''};
    const isChosen = +pickers[0].value === i && +pickers[1].value === j;
    td.textContent = texts[mode.value];
    td.className = `${r === null ? 'cc-hole' : ''} ${isChosen ? 'cc-chosen' : ''}`;
    const percent = +mode.value === 2 || r === null ? 0 : Math.min(Math.abs(error)/3, 1)*45;
    td.style.background = `color-mix(in srgb, var(--cc-${error > 0 ? 'high' : 'low'}) ${percent}%, transparent)`;
  }
  function show() {
    const [loss] = gradients(), [i, j] = pickers.map(picker => +picker.value);
    status.textContent = isFinite(loss)
      ? `Step ${state.losses.length}: mean squared error ${loss.toFixed(3)}, about ${Math.sqrt(loss).toFixed(2)} stars.`
      : 'The factors diverged: the steps are too long for a slope this steep. Press Reset.';
    const isThere = loss < goal;
    aim.hidden = goal === null || !byHand;
    aim.textContent = isThere ? `Below ${goal}, by hand!`
      : `By hand: set each knob to where the error is lowest. Below ${goal}?`;
    aim.classList.toggle('cc-there', isThere);
    cells.forEach((row, a) => row.forEach((td, b) => fill(td, a, b)));
    chosen().forEach((factors, side) => factors.forEach((value, k) => {
      sliders[side][k].value = value;
      values[side][k].textContent = fixed(value, 2);
    }));
    const r = ratings[i][j], prediction = dot(...chosen());
    pairText.textContent = `User ${users[i]} and ${items[j]}: predicted ${fixed(prediction, 2)}, ` +
      (r === null ? 'not rated.' : `rated ${r}, error ${fixed(prediction-r, 2)}.`);
    draw([...state.losses, loss]);
  }

  const head = element('tr', {}, ...['user', ...items].map((title, k) =>
    element('th', {scope: 'col'}, k ? element('span', {}, title) : title)));
  const body = cells.map((row, i) => element('tr', {}, element('th', {scope: 'row'}, users[i]), ...row));
  const table = element('table', {className: 'cc-grid'}, element('thead', {}, head), element('tbody', {}, ...body));
  const sides = pickers.map((picker, side) => element('fieldset', {},
    element('legend', {}, side ? 'A film' : 'A user'), labelled(side ? 'film' : 'user', picker),
    ...sliders[side].map((slider, k) =>
      element('div', {className: 'cc-slide'}, `factor ${k+1}`, slider, values[side][k]))));
  const grid = element('div', {},
    element('div', {className: 'cc-scroll', tabIndex: 0, role: 'region', 'aria-label': 'Users by films'}, table),
    element('p', {className: 'cc-key'}, 'A tint of ', element('b', {className: 'cc-low'}, 'blue'), ': too low. Of ',
      element('b', {className: 'cc-high'}, 'orange'), ': too high. Dashed: not rated.'));
  const knobs = element('div', {}, element('div', {className: 'cc-two'}, ...sides), status, aim, pairText);
  const bar = element('div', {className: 'cc-bar'}, go, oneStep, button('Reset', reset), labelled('show', mode));
  if (items.length > 8) box.replaceChildren(bar, knobs, grid, chart); // what is wide has a line of its own
  else box.replaceChildren(bar, element('div', {className: 'cc-two'}, element('div', {}, knobs), grid), chart);
  reset();
  return stop;
}

// One crosstab, or several and a switch
function render(root, data) {
  const boards = [data, ...data.more], box = element('div');
  const names = boards.map(({users, items, start: [[{length}]]}) =>
    `${users.length} by ${items.length}, ${length} factor${length === 1 ? '' : 's'}`);
  let stop = () => {};
  const choice = select(names, draw);
  function draw() {
    stop();
    stop = board(root, box, boards[choice.value]);
  }
  const bar = element('div', {className: 'cc-bar'}, labelled('table', choice));
  root.replaceChildren(...boards.length > 1 ? [bar] : [], box);
  draw();
}
wake("crosstab", render);
})();
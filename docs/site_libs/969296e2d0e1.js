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
// A map of films: to point at, zoom, search and colour. Python has placed the points: they are in the picture.
function render(root, {titles, scales, groups, sizes, near}) {
  const svg = root.querySelector('svg'), dots = [...svg.querySelectorAll('path')], rows = dots.map((_, i) => i);
  const [, , W, H] = svg.getAttribute('viewBox').split(' ').map(Number);
  const xy = dots.map(path => path.getAttribute('d').match(/[\d.]+/g).slice(0, 2).map(Number));
  // pairs of a name and numbers: a table would have names of its own, such as `constructor`
  const colours = [...scales.map(([name, scale]) => ({name, scale})),
    ...groups.map(([name, members]) => ({name, group: new Set(members)}))];
  const status = element('p', {role: 'status'}), tip = element('div', {className: 'cc-tip'});
  const legend = element('p', {className: 'cc-key'}), colour = select(colours.map(({name}) => name), paint);
  const frame = element('div', {className: 'cc-map'}), names = element('div', {ariaHidden: 'true'});
  const bySize = sizes ? [...rows].sort((a, b) => sizes[b]-sizes[a]) : rows;
  const pen = document.createElement('canvas').getContext('2d');
  const similar = element('div', {'aria-live': 'polite'});
  let view = {x: 0, y: 0, w: W}, film = null, drag = null; // what is shown, the film that is named, a drag's start

  function update() { // show `view`, cut to lie within the map, and put the tip at its film
    view.w = Math.min(Math.max(view.w, W/20), W);
    view.x = Math.min(Math.max(view.x, 0), W-view.w);
    view.y = Math.min(Math.max(view.y, 0), (W-view.w)*H/W);
    svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${view.w*H/W}`);
    svg.style.touchAction = view.w < W ? 'none' : 'pan-y';
    svg.classList.toggle('cc-in', view.w < W);
    writeNames();
    if (film === null) return;
    const left = (xy[film][0]-view.x)/view.w, top = (xy[film][1]-view.y)/view.w*W/H;
    tip.hidden = Math.min(left, top, 1-left, 1-top) < 0;
    tip.style.cssText = `top: ${100*top}%; ${left < .5 ? `left: ${100*left}%` : `right: ${100-100*left}%`}`;
  }
  function writeNames() { // of the largest that find room, thirty when all is shown, and more when it is enlarged
    const {clientWidth: width, clientHeight: height} = frame, scale = width/view.w, taken = [], made = [];
    const share = Math.min(width/700, 1); // of names and of a dot's size, on a phone
    svg.style.setProperty('--cc-scale', share);
    pen.font = `11px ${getComputedStyle(names).fontFamily}`;
    for (const i of bySize) {
      if (made.length >= Math.max(30*share, 10)*W/view.w) break;
      const text = shortened(titles[i]), [x, y] = [(xy[i][0]-view.x)*scale, (xy[i][1]-view.y)*scale];
      const w = pen.measureText(text).width, h = 13, gap = 7*share;
      const place = [[x+gap, y-h/2], [x-gap-w, y-h/2], [x-w/2, y-h-gap], [x-w/2, y+gap],
        [x, y-h-gap], [x, y+gap], [x-w, y-h-gap], [x-w, y+gap]].find(([a, b]) =>
        a > 0 && b > 0 && a+w < width && b+h < height &&
        !taken.some(([c, d, v]) => a < c+v && c < a+w && b < d+h && d < b+h));
      if (!place) continue;
      taken.push([...place, w]);
      made.push(element('span', {style: `left: ${place[0]}px; top: ${place[1]}px`}, text));
    }
    names.replaceChildren(...made);
  }
  function listSimilar(i) {
    const [x, y] = xy[i], far = j => Math.hypot(xy[j][0]-x, xy[j][1]-y);
    const found = near ? near[i] : rows.filter(j => j !== i).sort((a, b) => far(a)-far(b)).slice(0, 6);
    similar.replaceChildren(
      element('p', {}, element('strong', {}, titles[i]), near ? ', nearest by all factors:' : ', nearest on the map:'),
      element('ul', {className: 'cc-found'}, ...found.map(j => element('li', {}, button(titles[j], () => pick(j))))));
  }
  function pick(i) { choose(i); listSimilar(i); }
  function zoom(by, [x, y] = film === null || tip.hidden ? [view.x+view.w/2, view.y+view.w*H/W/2] : xy[film]) {
    const w = Math.min(Math.max(view.w/by, W/20), W), share = w/view.w;
    view = {x: x - (x-view.x)*share, y: y - (y-view.y)*share, w};
    update();
  }
  function showAll() { view = {x: 0, y: 0, w: W}; update(); }
  function choose(i) {
    if (film !== null) dots[film].classList.remove('cc-on');
    film = i;
    dots[i].classList.add('cc-on');
    svg.append(dots[i]);
    const [x, y] = xy[i], h = view.w*H/W, {name, scale} = colours[colour.value] ?? {};
    if (x < view.x || x > view.x+view.w || y < view.y || y > view.y+h) Object.assign(view, {x: x-view.w/2, y: y-h/2});
    tip.textContent = titles[i];
    status.textContent = titles[i] + (scale ? `: ${name} ${scale[i]}` : '');
    update();
  }
  function paint() {
    const {name, scale, group} = colours[colour.value] ?? {};
    const low = Math.min(...scale ?? [0]), high = Math.max(...scale ?? [1]);
    dots.forEach((path, i) => {
      const share = scale ? (scale[i]-low)/(high-low || 1) : group?.has(i) ? 1 : 0;
      const mix = `color-mix(in oklab, var(--cc-high) ${Math.round(100*share)}%, var(--cc-low))`;
      path.style.stroke = scale || share ? mix : '';
    });
    const [lowText, highText] = scale ? [`lowest ${name}, ${low}`, `highest, ${high}`]
      : ['', name === undefined ? '' : `${name}: ${group.size} films`];
    legend.replaceChildren(...lowText ? [element('b', {className: 'cc-low'}, lowText), ' to '] : [],
      element('b', {className: 'cc-high'}, highText));
    if (film !== null) choose(film);
  }
  function pointer(event) { // the place on the map under the pointer, and the size of a pixel there
    const box = svg.getBoundingClientRect(), unit = view.w/box.width;
    return [view.x + (event.clientX-box.left)*unit, view.y + (event.clientY-box.top)*unit, unit];
  }
  function nearest(x, y, fits = () => true) {
    const distance = i => Math.hypot(xy[i][0]-x, xy[i][1]-y);
    return rows.filter(fits).reduce((best, i) => best === null || distance(i) < distance(best) ? i : best, null);
  }
  const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  function follow([a, b]) { // to the nearest film within 45 degrees of the arrow's direction
    const [x, y] = film === null ? [W/2, H/2] : xy[film];
    const lies = i => {
      const dx = xy[i][0]-x, dy = xy[i][1]-y, along = a*dx + b*dy;
      return along > 0 && along >= Math.abs(a*dy) + Math.abs(b*dx);
    };
    const next = nearest(x, y, film === null ? undefined : lies);
    if (next !== null) pick(next);
  }
  svg.onkeydown = event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (Object.hasOwn(arrows, event.key)) follow(arrows[event.key]);
    else if (event.key === '+' || event.key === '=') zoom(1.5);
    else if (event.key === '-') zoom(1/1.5);
    else if (event.key === '0' || event.key === 'Escape') showAll();
    else return;
    event.preventDefault();
  };
  function chooseUnder(x, y, unit) {
    const i = nearest(x, y);
    if (i !== film && Math.hypot(xy[i][0]-x, xy[i][1]-y) < 14*unit) choose(i);
  }
  svg.onpointerdown = event => {
    chooseUnder(...pointer(event));
    drag = {x: event.clientX, y: event.clientY, from: {...view}};
    svg.setPointerCapture(event.pointerId);
  };
  svg.onpointerup = event => {
    const [x, y, unit] = pointer(event), still = drag && Math.hypot(event.clientX-drag.x, event.clientY-drag.y) < 4;
    drag = null;
    if (still && film !== null && Math.hypot(xy[film][0]-x, xy[film][1]-y) < 14*unit) listSimilar(film);
  };
  svg.onpointercancel = () => drag = null;
  svg.onpointermove = event => {
    const [x, y, unit] = pointer(event);
    if (!drag) return chooseUnder(x, y, unit);
    view.x = drag.from.x - (event.clientX-drag.x)*unit;
    view.y = drag.from.y - (event.clientY-drag.y)*unit;
    update();
  };
  svg.onwheel = event => { // the page scrolls on, unless the map has the focus
    if (document.activeElement !== svg && !event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : .8, pointer(event));
  };
  svg.setAttribute('tabindex', 0);
  svg.setAttribute('role', 'application');
  svg.setAttribute('aria-label', 'Map of films. Arrow keys go from film to film, plus and minus zoom, 0 shows all.');
  svg.querySelectorAll('text').forEach(text => text.remove());
  const search = finder('find a film', titles, rows, () => false, pick, found => {
    svg.classList.toggle('cc-searching', found.length > 0);
    const hits = new Set(found);
    dots.forEach((path, i) => path.classList.toggle('cc-hit', hits.has(i)));
    status.textContent = found.length ? `${found.length} of ${rows.length} films` : '';
  });
  svg.replaceWith(frame);
  frame.append(svg, names, tip);
  const largest = Math.max(...sizes ?? [1]);
  sizes?.forEach((size, i) => dots[i].style.setProperty('--cc-size', 3+9*Math.sqrt(size/largest)));
  const bar = element('div', {className: 'cc-bar'}, button('Zoom in', () => zoom(1.5)),
    button('Zoom out', () => zoom(1/1.5)), button('Show all', showAll));
  if (colours.length) bar.append(labelled('colour', colour));
  root.prepend(bar, legend);
  (root.querySelector('.cc-axes') ?? frame).after(status, similar, search.box);
  root.classList.add('cc-awake');
  paint();
  update();
  new ResizeObserver(writeNames).observe(frame);
}
wake("map", render);
})();
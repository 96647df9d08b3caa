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
// A map of films: to point at, zoom, search and colour. Python has placed the points: they are in the picture.
function render(root, {titles, scales, groups}) {
  const svg = root.querySelector('svg'), dots = [...svg.querySelectorAll('path')], rows = dots.map((_, i) => i);
  const [, , W, H] = svg.getAttribute('viewBox').split(' ').map(Number);
  const xy = dots.map(path => path.getAttribute('d').match(/[\d.]+/g).slice(0, 2).map(Number));
  // pairs of a name and numbers: a table would have names of its own, such as `constructor`
  const colours = [...scales.map(([name, scale]) => ({name, scale})),
    ...groups.map(([name, members]) => ({name, group: new Set(members)}))];
  const status = element('p', {role: 'status'}), tip = element('div', {className: 'cc-tip'});
  const legend = element('p', {className: 'cc-key'}), colour = select(colours.map(({name}) => name), paint);
  let view = {x: 0, y: 0, w: W}, film = null, drag = null; // what is shown, the film that is named, a drag's start

  function update() { // show `view`, cut to lie within the map, and put the tip at its film
    view.w = Math.min(Math.max(view.w, W/20), W);
    view.x = Math.min(Math.max(view.x, 0), W-view.w);
    view.y = Math.min(Math.max(view.y, 0), (W-view.w)*H/W);
    svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${view.w*H/W}`);
    svg.style.touchAction = view.w < W ? 'none' : 'pan-y';
    svg.classList.toggle('cc-in', view.w < W);
    if (film === null) return;
    const left = (xy[film][0]-view.x)/view.w, top = (xy[film][1]-view.y)/view.w*W/H;
    tip.hidden = Math.min(left, top, 1-left, 1-top) < 0;
    tip.style.cssText = `top: ${100*top}%; ${left < .5 ? `left: ${100*left}%` : `right: ${100-100*left}%`}`;
  }
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
    if (next !== null) choose(next);
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
  svg.onpointerup = svg.onpointercancel = () => drag = null;
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
  const search = finder('find a film', titles, rows, () => false, choose, found => {
    svg.classList.toggle('cc-searching', found.length > 0);
    const hits = new Set(found);
    dots.forEach((path, i) => path.classList.toggle('cc-hit', hits.has(i)));
    status.textContent = found.length ? `${found.length} of ${rows.length} films` : '';
  });
  const frame = element('div', {className: 'cc-map'});
  svg.replaceWith(frame);
  frame.append(svg, tip);
  const bar = element('div', {className: 'cc-bar'}, button('Zoom in', () => zoom(1.5)),
    button('Zoom out', () => zoom(1/1.5)), button('Show all', showAll));
  if (colours.length) bar.append(labelled('colour', colour));
  root.prepend(bar, legend);
  frame.after(status, search.box);
  root.classList.add('cc-awake');
  paint();
  update();
}
wake("map", render);
})();
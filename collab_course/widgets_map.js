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

// What the course's widgets do. Each output carries this script; it wakes the widgets that are still asleep.
(() => {
  const KINDS = {crosstab, curves, map, rate};

  // An element; what it shows is set as text, never as HTML
  const el = (tag, attrs = {}, ...kids) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attrs)) k in e ? e[k] = v : e.setAttribute(k, v);
    e.append(...kids);
    return e;
  };
  const button = (text, onclick) => el('button', {type: 'button', onclick}, text);
  const labelled = (text, field) => el('label', {}, el('span', {}, text), field);
  const select = (names, onchange) =>
    el('select', {onchange}, ...names.map((name, i) => el('option', {value: i}, name)));
  const plain = text => text.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '');
  const dot = (a, b) => a.reduce((sum, x, k) => sum + x*b[k], 0);
  const fixed = (x, n) => x.toFixed(n).replace(/^-(0\.?0*)$/, '$1'); // no minus before a zero

  // A search field whose answers are buttons; Enter takes the first
  function finder(label, titles, order, taken, pick, found = () => {}) {
    const keys = titles.map(plain), list = el('ul', {className: 'cc-found'});
    const input = el('input', {type: 'search', autocomplete: 'off', oninput: show, onkeydown: e => {
      if (e.key === 'Enter') list.querySelector('button')?.click();
    }});
    function show() {
      const words = plain(input.value).split(/\s+/).filter(Boolean);
      const rows = order.filter(i => words.every(w => keys[i].includes(w)));
      found(words.length ? rows : []);
      const free = rows.filter(i => !taken(i)).slice(0, 6);
      list.replaceChildren(...free.map(i => el('li', {}, button(titles[i], () => pick(i)))));
      if (!rows.length) list.replaceChildren(el('li', {}, 'No film here has these words in its title.'));
    }
    show();
    return {input, show, box: el('div', {}, labelled(label, input), list)};
  }

  // The crosstab: factors that can be dragged, and gradient descent
  function crosstab(root, d) {
    const state = root.state = {}, n = d.users.length, m = d.items.length;
    const cells = d.users.map((_, i) => d.items.map((_, j) => el('td', {onclick: () => choose(i, j)})));
    const known = d.stars.flat().filter(r => r !== null).length;
    let timer = 0;

    function gradients() { // the loss and its slopes, as in Python
      const [G, H] = [state.users, state.items].map(X => X.map(x => x.map(() => 0)));
      let sum = 0;
      d.stars.forEach((row, i) => row.forEach((r, j) => {
        if (r === null) return;
        const u = state.users[i], v = state.items[j], e = dot(u, v) - r;
        sum += e*e;
        u.forEach((_, k) => { G[i][k] += 2*e*v[k]/known; H[j][k] += 2*e*u[k]/known; });
      }));
      return [sum/known, G, H];
    }
    function descend(steps) {
      for (; steps > 0; steps--) {
        const [loss, G, H] = gradients();
        state.losses.push(loss);
        [[state.users, G], [state.items, H]].forEach(([X, S]) =>
          X.forEach((x, i) => x.forEach((_, k) => x[k] -= d.lr*S[i][k])));
      }
    }
    function reset() {
      stop();
      Object.assign(state, structuredClone({users: d.start[0], items: d.start[1], losses: []}));
      show();
    }
    function stop() {
      cancelAnimationFrame(timer);
      timer = 0;
      go.textContent = 'Descend';
      said.ariaLive = 'polite';
    }
    function run() {
      if (timer) { stop(); return show(); }
      const until = state.losses.length + d.steps;
      const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
      go.textContent = 'Stop';
      said.ariaLive = 'off'; // what rushes by is not read aloud
      const frame = () => {
        const done = state.losses.length, left = until - done;
        descend(calm ? left : Math.min(left, 1 + Math.floor(done/50)));
        if (left <= 0 || !isFinite(gradients()[0])) stop(); else timer = requestAnimationFrame(frame);
        show();
      };
      timer = requestAnimationFrame(frame);
    }

    const go = button('Descend', run), one = button('One step', () => { stop(); descend(1); show(); });
    const said = el('p', {role: 'status'}), pair = el('p', {'aria-live': 'polite'});
    const mode = select(['predictions', 'errors', 'ratings'], show);
    const pickers = [d.users.map(u => `user ${u}`), d.items].map(names => select(names, show));
    const sliders = pickers.map((_, side) => d.start[0][0].map((_, k) => el('input', {
      type: 'range', min: -3, max: 3, step: .01, 'aria-label': `${side ? 'film' : 'user'}: factor ${k+1}`,
      oninput: e => { stop(); chosen()[side][k] = +e.target.value; show(); }})));
    const values = sliders.map(side => side.map(() => el('span', {className: 'cc-number'})));
    const chosen = () => [state.users[pickers[0].value], state.items[pickers[1].value]];
    function choose(i, j) { [pickers[0].value, pickers[1].value] = [i, j]; show(); }

    const curve = el('div', {className: 'cc-curve'});
    curve.innerHTML = `<svg viewBox="0 0 420 150" role="img" aria-label="Error against steps, on a log scale">
      <path class="cc-axis" d="M40 5V125H415"/><polyline/>
      <text x="34" y="29" text-anchor="end">10</text><text x="34" y="79" text-anchor="end">1</text>
      <text x="34" y="129" text-anchor="end">0.1</text><text x="415" y="18" text-anchor="end">mean squared error</text>
      <text class="cc-steps" x="415" y="143" text-anchor="end"></text></svg>`;
    const line = curve.querySelector('polyline'), steps = curve.querySelector('.cc-steps');
    function draw(losses) {
      const wide = Math.max(losses.length-1, 50), every = Math.ceil(losses.length/400);
      const y = loss => 125 - 115*Math.log(Math.max(loss, .1)/.1)/Math.log(200);
      const at = (loss, k) => `${(40 + 375*k/wide).toFixed(1)},${Math.max(y(loss), 0).toFixed(1)}`;
      const shown = losses.map(at).filter((_, k) => k%every === 0 || k === losses.length-1);
      line.setAttribute('points', shown.join(' '));
      steps.textContent = `${wide} steps`;
    }

    function show() {
      const [loss] = gradients(), [i, j] = pickers.map(p => +p.value), way = +mode.value;
      said.textContent = isFinite(loss)
        ? `Step ${state.losses.length}: mean squared error ${loss.toFixed(3)}, about ${Math.sqrt(loss).toFixed(2)} stars.`
        : 'The numbers ran away: the slope is too steep for steps of this length. Press Reset.';
      cells.forEach((row, a) => row.forEach((td, b) => {
        const r = d.stars[a][b], p = dot(state.users[a], state.items[b]), e = p-r;
        td.textContent = way === 2 ? r ?? '' : way === 1 ? (r === null ? '' : fixed(e, 1)) : fixed(p, 1);
        td.className = `${r === null ? 'cc-hole' : ''} ${a === i && b === j ? 'cc-chosen' : ''}`;
        const share = way === 2 || r === null ? 0 : Math.min(Math.abs(e)/3, 1)*45;
        td.style.background = `color-mix(in srgb, var(--cc-${e > 0 ? 'high' : 'low'}) ${share}%, transparent)`;
      }));
      chosen().forEach((x, side) => x.forEach((v, k) => {
        sliders[side][k].value = v;
        values[side][k].textContent = fixed(v, 2);
      }));
      const r = d.stars[i][j], p = dot(...chosen());
      pair.textContent = `User ${d.users[i]} and ${d.items[j]}: predicted ${fixed(p, 2)}, ` +
        (r === null ? 'not rated.' : `rated ${r}, error ${fixed(p-r, 2)}.`);
      draw([...state.losses, loss]);
    }

    const head = el('tr', {}, ...['user', ...d.items].map((t, k) =>
      el('th', {scope: 'col'}, k ? el('span', {}, t) : t)));
    const body = cells.map((row, i) => el('tr', {}, el('th', {scope: 'row'}, d.users[i]), ...row));
    const table = el('table', {className: 'cc-grid'}, el('thead', {}, head), el('tbody', {}, ...body));
    const sides = pickers.map((p, side) => el('fieldset', {}, el('legend', {}, side ? 'A film' : 'A user'),
      labelled(side ? 'film' : 'user', p),
      ...sliders[side].map((s, k) => el('div', {className: 'cc-slide'}, `factor ${k+1}`, s, values[side][k]))));
    root.replaceChildren(
      el('div', {className: 'cc-bar'}, go, one, button('Reset', reset), labelled('show', mode)), said, curve,
      el('div', {className: 'cc-scroll', tabIndex: 0, role: 'region', 'aria-label': 'Users by films'}, table),
      el('p', {className: 'cc-key'}, 'A tint of ', el('b', {className: 'cc-low'}, 'blue'), ': too low. Of ',
         el('b', {className: 'cc-high'}, 'orange'), ': too high. Dashed: not rated.'),
      el('div', {className: 'cc-two'}, ...sides), pair);
    reset();
  }

  // Learning curves, one pair of lines for each setting of the slider
  function curves(root, d) {
    const lines = root.querySelectorAll('svg g[data-line]'), said = el('output', {});
    const slider = el('input', {type: 'range', min: 0, max: d.labels.length-1, value: d.at, oninput: show});
    function show() {
      const i = +slider.value;
      lines.forEach((g, k) => g.classList.toggle('cc-on', k === i));
      lines[i].parentNode.append(lines[i]); // on top of the others
      slider.setAttribute('aria-valuetext', `${d.name} ${d.labels[i]}`);
      said.textContent = `${d.name} ${d.labels[i]}: ${d.says[i]}`;
    }
    root.classList.add('cc-awake');
    root.prepend(labelled(d.name, slider), said);
    show();
  }

  // The map of films
  function map(root, d) {
    const svg = root.querySelector('svg'), dots = [...svg.querySelectorAll('path')], all = dots.map((_, i) => i);
    const [, , W, H] = svg.getAttribute('viewBox').split(' ').map(Number);
    const xy = dots.map(p => p.getAttribute('d').match(/[\d.]+/g).slice(0, 2).map(Number));
    const names = [...Object.keys(d.scales), ...Object.keys(d.groups)];
    const said = el('p', {role: 'status'}), tip = el('div', {className: 'cc-tip'});
    const key = el('p', {className: 'cc-key'}), colour = select(names, paint);
    let view = {x: 0, y: 0, w: W}, film = null, drag = null;

    function look() { // within the map, at most its size
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
      look();
    }
    function whole() { view = {x: 0, y: 0, w: W}; look(); }
    function choose(i) {
      if (film !== null) dots[film].classList.remove('cc-on');
      film = i;
      dots[i].classList.add('cc-on');
      svg.append(dots[i]);
      const [x, y] = xy[i], h = view.w*H/W, scale = d.scales[colour.selectedOptions[0].text];
      if (x < view.x || x > view.x+view.w || y < view.y || y > view.y+h) Object.assign(view, {x: x-view.w/2, y: y-h/2});
      tip.textContent = d.titles[i];
      said.textContent = d.titles[i] + (scale ? `: ${colour.selectedOptions[0].text} ${scale[i]}` : '');
      look();
    }
    function paint() {
      const name = names[colour.value], scale = d.scales[name], group = new Set(d.groups[name]);
      const lo = Math.min(...scale ?? [0]), hi = Math.max(...scale ?? [1]);
      dots.forEach((p, i) => {
        const share = scale ? (scale[i]-lo)/(hi-lo || 1) : +group.has(i);
        const mix = `color-mix(in oklab, var(--cc-high) ${Math.round(100*share)}%, var(--cc-low))`;
        p.style.stroke = scale || share ? mix : '';
      });
      const [a, b] = scale ? [`lowest ${name}, ${lo}`, `highest, ${hi}`] : ['', `${name}: ${group.size} films`];
      key.replaceChildren(...a ? [el('b', {className: 'cc-low'}, a), ' to '] : [], el('b', {className: 'cc-high'}, b));
      if (film !== null) choose(film);
    }
    function point(e) { // the place on the map under the pointer, and its size in pixels
      const box = svg.getBoundingClientRect(), unit = view.w/box.width;
      return [view.x + (e.clientX-box.left)*unit, view.y + (e.clientY-box.top)*unit, unit];
    }
    function nearest(x, y, fits = () => true) {
      const far = i => Math.hypot(xy[i][0]-x, xy[i][1]-y);
      return all.filter(fits).reduce((best, i) => best === null || far(i) < far(best) ? i : best, null);
    }
    const keys = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    svg.onkeydown = e => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key in keys) {
        const [x, y] = film === null ? [W/2, H/2] : xy[film], [a, b] = keys[e.key];
        const ahead = i => { // within a right angle around the arrow
          const dx = xy[i][0]-x, dy = xy[i][1]-y, along = a*dx + b*dy;
          return along > 0 && along >= Math.abs(a*dy) + Math.abs(b*dx);
        };
        const next = nearest(x, y, film === null ? undefined : ahead);
        if (next !== null) choose(next);
      } else if (e.key === '+' || e.key === '=') zoom(1.5);
      else if (e.key === '-') zoom(1/1.5);
      else if (e.key === '0' || e.key === 'Escape') whole();
      else return;
      e.preventDefault();
    };
    const under = (x, y, unit) => {
      const i = nearest(x, y);
      if (i !== film && Math.hypot(xy[i][0]-x, xy[i][1]-y) < 14*unit) choose(i);
    };
    svg.onpointerdown = e => {
      under(...point(e));
      drag = {x: e.clientX, y: e.clientY, from: {...view}};
      svg.setPointerCapture(e.pointerId);
    };
    svg.onpointerup = svg.onpointercancel = () => drag = null;
    svg.onpointermove = e => {
      const [x, y, unit] = point(e);
      if (drag) {
        Object.assign(view, {x: drag.from.x - (e.clientX-drag.x)*unit, y: drag.from.y - (e.clientY-drag.y)*unit});
        return look();
      }
      under(x, y, unit);
    };
    svg.onwheel = e => { // the page scrolls on, unless somebody is at the map
      if (document.activeElement !== svg && !e.ctrlKey) return;
      e.preventDefault();
      zoom(e.deltaY < 0 ? 1.25 : .8, point(e));
    };
    svg.setAttribute('tabindex', 0);
    svg.setAttribute('role', 'application');
    svg.setAttribute('aria-label', 'Map of films. Arrow keys go from film to film, plus and minus zoom, 0 shows all.');
    svg.querySelectorAll('text').forEach(t => t.remove());
    const search = finder('find a film', d.titles, all, () => false, choose, rows => {
      svg.classList.toggle('cc-searching', rows.length > 0);
      const hits = new Set(rows);
      dots.forEach((p, i) => p.classList.toggle('cc-hit', hits.has(i)));
      said.textContent = rows.length ? `${rows.length} of ${all.length} films` : '';
    });
    const frame = el('div', {className: 'cc-map'});
    svg.replaceWith(frame);
    frame.append(svg, tip);
    const buttons = [button('Zoom in', () => zoom(1.5)), button('Zoom out', () => zoom(1/1.5)), button('Show all', whole)];
    root.prepend(el('div', {className: 'cc-bar'}, ...buttons, labelled('colour', colour)), key);
    frame.after(said, search.box);
    root.classList.add('cc-awake');
    paint();
    look();
  }

  // Solve A x = b for a symmetric, positive A; both are overwritten
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

  // The user, bias and factors, who fits these ratings and is not far from `start`: as in Python
  function foldIn(items, ratings, start, [lo, hi], ridge) {
    const X = items.map(([, ...factors]) => [1, ...factors]);
    const look = theta => {
      const s = X.map((x, i) => 1/(1+Math.exp(-dot(x, theta) - items[i][0])));
      const error = s.map((v, i) => v - (ratings[i]-lo)/(hi-lo)), pull = theta.map((t, k) => t-start[k]);
      const J = X.map((x, i) => x.map(v => v*s[i]*(1-s[i])));
      return {loss: dot(error, error) + ridge*dot(pull, pull), error, pull, J};
    };
    let theta = start, now = look(theta);
    for (let n = 0; n < 50; n++) {
      const {error, pull, J} = now;
      const slope = pull.map((p, k) => ridge*p + J.reduce((sum, x, i) => sum + x[k]*error[i], 0));
      const curve = start.map((_, k) => start.map((_, j) => J.reduce((sum, x) => sum + x[k]*x[j], k === j ? ridge : 0)));
      const step = solve(curve, slope), there = share => theta.map((t, k) => t - share*step[k]);
      let share = 1, next = look(there(1));
      while (next.loss > now.loss && share > 1e-6) next = look(there(share /= 2));
      [theta, now] = [there(share), next];
      if (Math.max(...step.map(Math.abs)) < 1e-9) break;
    }
    return theta;
  }

  // Rate a few films
  function rate(root, d) {
    const numbers = new Int16Array(Uint8Array.from(atob(d.rows), c => c.charCodeAt(0)).buffer), w = d.start.length;
    const items = d.titles.map((_, i) => Array.from(numbers.subarray(i*w, i*w+w), v => v*d.step));
    const order = d.titles.map((_, i) => i).sort((a, b) => d.counts[b]-d.counts[a]);
    const once = order.filter((i, k) => order.findIndex(j => d.titles[j] === d.titles[i]) === k);
    const rated = new Map(d.rated), [lo, hi] = d.range, group = `cc-${Math.random()}`;
    const mine = el('div', {}), best = el('ol', {className: 'cc-best'}), said = el('p', {role: 'status'});

    function recommend() {
      const rows = [...rated.keys()].filter(i => rated.get(i) !== null).sort((a, b) => a-b);
      const theta = foldIn(rows.map(i => items[i]), rows.map(i => rated.get(i)), d.start, d.range, d.ridge);
      const scores = items.map(([bias, ...x]) => bias + dot([1, ...x], theta));
      const seen = new Set(rows.map(i => d.titles[i])), top = [];
      for (const i of d.titles.map((_, i) => i).sort((a, b) => scores[b]-scores[a])) {
        if (seen.has(d.titles[i])) continue;
        seen.add(d.titles[i]);
        if (top.push([d.titles[i], lo + (hi-lo)/(1+Math.exp(-scores[i]))]) === d.n) break;
      }
      root.state = top;
      const told = `From ${rows.length} rating${rows.length > 1 ? 's' : ''} of yours:`, first = top.slice(0, 3);
      said.replaceChildren(rows.length ? told : 'For somebody who has not said anything yet:',
        el('span', {className: 'cc-unseen'}, ` ${first.map(([title]) => title).join(', ')}`)); // read aloud
      best.replaceChildren(...top.map(([title, r]) =>
        el('li', {}, el('span', {}, title), el('span', {className: 'cc-number'}, fixed(r, 1)))));
    }
    function line(i) { // a film, its stars, and a way to take it back
      const choice = d.stars.map((value, k) => el('label', {className: 'cc-star'}, el('input', {
        type: 'radio', name: `${group}-${i}`, value, checked: rated.get(i) === value,
        'aria-label': `${value} of ${d.stars.at(-1)}`, onchange: () => { rated.set(i, value); recommend(); }}), '★'));
      const remove = button('×', () => { rated.delete(i); show(); search.input.focus(); });
      remove.ariaLabel = `Remove ${d.titles[i]}`;
      return el('fieldset', {className: 'cc-film'}, el('legend', {}, d.titles[i]), ...choice, remove);
    }
    function show() {
      mine.replaceChildren(...[...rated.keys()].map(line));
      search.show();
      recommend();
    }
    const search = finder('find a film and rate it', d.titles, once, i => rated.has(i), i => {
      rated.set(i, null);
      search.input.value = '';
      show();
      mine.lastChild.querySelector('input').focus();
    });
    root.replaceChildren(el('div', {className: 'cc-two'}, el('div', {}, search.box, mine), el('div', {}, said, best)));
    show();
  }

  for (const root of document.querySelectorAll('.cc:not([data-awake])')) {
    root.dataset.awake = '';
    // JupyterLab's shortcuts leave alone the keys of what has this attribute
    root.addEventListener('focusin', e => { e.target.dataset.lmSuppressShortcuts = ''; });
    KINDS[root.dataset.kind](root, JSON.parse(root.querySelector('script').textContent));
  }
})();

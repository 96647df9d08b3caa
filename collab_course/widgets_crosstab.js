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

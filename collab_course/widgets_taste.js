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

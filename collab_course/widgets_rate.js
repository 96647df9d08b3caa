// Bias and factors of a new user: they fit the ratings of `items` and stay near `start`, as `new_user_factors` does
function newUserFactors(items, ratings, start, [low, high], penalty) {
  const X = items.map(([, ...factors]) => [1, ...factors]);
  const evaluate = theta => { // the loss, and what its gradient and curvature are made of
    const s = X.map((x, i) => 1/(1+Math.exp(-dot(x, theta) - items[i][0])));
    const error = s.map((v, i) => v - (ratings[i]-low)/(high-low)), moved = theta.map((t, k) => t-start[k]);
    const J = X.map((x, i) => x.map(v => v*s[i]*(1-s[i])));
    return {loss: dot(error, error) + penalty*dot(moved, moved), error, moved, J};
  };
  let theta = start, now = evaluate(theta);
  for (let n = 0; n < 50; n++) {
    const {error, moved, J} = now;
    const gradient = moved.map((p, k) => penalty*p + J.reduce((sum, x, i) => sum + x[k]*error[i], 0));
    const curvature = start.map((_, k) =>
      start.map((_, j) => J.reduce((sum, x) => sum + x[k]*x[j], k === j ? penalty : 0)));
    const step = solve(curvature, gradient), after = share => theta.map((t, k) => t - share*step[k]);
    let share = 1, next = evaluate(after(1));
    while (next.loss > now.loss && share > 1e-6) next = evaluate(after(share /= 2));
    [theta, now] = [after(share), next];
    if (Math.max(...step.map(Math.abs)) < 1e-9) break;
  }
  return theta;
}

// Rate a few films, and see what is recommended
function render(root, data) {
  const {titles, start, penalty, stars, n} = data, [low, high] = data.y_range, rated = new Map(data.rated);
  const items = unpacked(data.factors, data.step, start.length);
  const list = element('ol', {className: 'cc-best'}), status = element('p', {role: 'status'});

  function toRating(score) { // by the sigmoid, and no rating that cannot be given
    return Math.min(Math.max(low + (high-low)/(1+Math.exp(-score)), stars[0]), stars.at(-1));
  }
  function recommend(rows) {
    const theta = newUserFactors(rows.map(i => items[i]), rows.map(i => rated.get(i)), start, data.y_range, penalty);
    const scores = items.map(([bias, ...x]) => bias + dot([1, ...x], theta));
    const top = root.state = bestRows(titles, scores, rows, n).map(i => [titles[i], toRating(scores[i])]);
    const basis = `From your ${rows.length === 1 ? 'rating' : `${rows.length} ratings`}:`;
    status.replaceChildren(rows.length ? basis : 'For a user without ratings:', // the first three are read aloud, too
      element('span', {className: 'cc-unseen'}, ` ${top.slice(0, 3).map(([title]) => title).join(', ')}`));
    list.replaceChildren(...top.map(([title, rating]) => element('li', {},
      element('span', {}, title), element('span', {className: 'cc-number'}, fixed(rating, 1)))));
  }
  const mine = rater('find a film and rate it', data, rated, null, recommend);
  root.replaceChildren(element('div', {className: 'cc-two'}, mine.box, element('div', {}, status, list)));
  mine.show();
}

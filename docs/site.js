// What the pages need beside smalldocs.js: the menu of narrow screens, and the keyboard
(() => {
  "use strict";
  const $$ = (what) => [...document.querySelectorAll(what)];
  const tell = (button, open) => button.setAttribute("aria-expanded", open);

  // the menu: search, source, dark mode
  $$('[data-bs-toggle="collapse"]').forEach((button) => button.addEventListener("click", () =>
    tell(button, document.querySelector(button.dataset.bsTarget).classList.toggle("show"))));

  // the list of chapters, which smalldocs.js slides in; Escape closes it
  const chapters = document.getElementById("quarto-sidebar");
  const buttons = $$(".quarto-btn-toggle");
  const follow = () => buttons.forEach((b) => tell(b, chapters.classList.contains("show")));
  buttons.forEach((b) => b.addEventListener("click", follow));
  document.addEventListener("keydown", (ev) => {
    if (ev.key !== "Escape" || !chapters?.classList.contains("show")) return;
    chapters.classList.remove("show");
    follow();
    buttons[0].focus();
  });

  // the switch of dark mode works, and says what it is
  const root = document.documentElement;
  const dark = () => $$(".quarto-color-scheme-toggle").forEach((a) => {
    a.setAttribute("role", "button");
    a.setAttribute("aria-pressed", root.classList.contains("quarto-dark"));
  });
  $$(".quarto-color-scheme-toggle").forEach((a) => a.addEventListener("click", (ev) => {
    ev.preventDefault();
    window.smalldocsToggleScheme();
  }));
  new MutationObserver(dark).observe(root, { attributeFilter: ["class"] });
  dark();

  // the index of the search is fetched once, so that its answers come in the order of the questions;
  // smalldocs.js fetches it again for each key until it is there, and the last to arrive is what is shown
  const { fetch } = window;
  let index;
  window.fetch = (what, ...options) => {
    if (!/search\.json$/.test(what)) return fetch(what, ...options);
    const entries = index ??= fetch(what, ...options).then((answer) => answer.json());
    entries.catch(() => { index = undefined; });
    return Promise.resolve({ json: () => entries });
  };

  // questions: their choices unfold without a script; which were answered, and which of them rightly
  // at the first try, is said, and kept in this browser
  const questions = $$("main .question");
  if (questions.length) {
    const key = `questions ${location.pathname}`;
    const name = (question) => question.querySelector("p").textContent;
    const said = document.createElement("p");
    let first = {};
    try { first = { ...JSON.parse(localStorage.getItem(key)) }; } catch { /* none, or none kept */ }
    const count = () => {
      const tries = questions.map((question) => first[name(question)]);
      const n = tries.filter((one) => typeof one === "boolean").length;
      const right = tries.filter((one) => one === true).length;
      said.textContent = n ? `${n} of ${questions.length} answered, ${right} right at the first try.` : "";
    };
    said.role = "status";
    questions.at(-1).after(said);
    questions.forEach((question) => question.querySelectorAll("details").forEach((choice) =>
      choice.addEventListener("toggle", () => {
        if (!choice.open || name(question) in first) return;
        first[name(question)] = choice.classList.contains("right");
        try { localStorage.setItem(key, JSON.stringify(first)); } catch { /* nothing is kept */ }
        count();
      })));
    count();
  }

  // what scrolls sideways can be reached with the keyboard
  const reach = () => $$("main pre, main .wide, .math.display").forEach((box) => {
    if (box.scrollWidth <= box.clientWidth) return box.removeAttribute("tabindex");
    box.tabIndex = 0;
    if (box.matches(".wide")) box.role = "group", box.ariaLabel = "Table, scrolls sideways";
  });
  new ResizeObserver(reach).observe(document.body);
  reach();
})();

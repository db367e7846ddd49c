// The workbench with JavaScript: an editor in place of each text field, faults as you type, and a patient's level at once.
// Without JavaScript the form does the same with buttons. All findings come from the server, from the checker that the
// command line uses.
"use strict";

const form = document.getElementById("workbench");
const status = document.getElementById("status");
const address = form.dataset.address;
const editors = new Map();
let changed = false;

// --- asking the server ---

const RULES = "ruleset.yaml";

function formData(submitter, without = []) {
  const data = new FormData(form, submitter);
  for (const name of [...without, "upload", "note"]) data.delete(name);
  return data;
}

async function post(path, data, accept) {
  const send = () => fetch(path, { method: "POST", body: data, headers: { Accept: accept, "HX-Request": "true" } });
  let answer = await send();
  if (answer.status === 403 || answer.status === 401) {
    // The person signed in again in another tab: the form's token belongs to the previous session.
    const page = await (await fetch(address)).text();
    const token = new DOMParser().parseFromString(page, "text/html").querySelector("#workbench [name=csrf]");
    if (!token) throw new Error("You are signed out. Your draft is still here: sign in in another tab, then try again.");
    form.querySelector("[name=csrf]").value = token.value;
    data.set("csrf", token.value);
    answer = await send();
  }
  if (!answer.ok) throw new Error(`The service answered ${answer.status}. Your draft is still here; try again in a moment.`);
  return answer;
}

const messageOf = (error) => (error instanceof TypeError ? "The service can't be reached. Your draft is still here." : error.message);

// --- the editors ---

const CM = window.CodeMirror;

const look = CM.EditorView.theme({
  "&": { height: "100%", fontSize: "13.6px", color: "var(--ink)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "-3px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  "&.cm-focused .cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 60%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 30%, transparent) !important" },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--accent) 18%, transparent)" },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line-strong)", fontFamily: "system-ui, sans-serif" },
  ".cm-tooltip": { borderRadius: "6px", maxWidth: "34rem" },
  ".cm-tooltip-autocomplete ul li": { padding: "3px 8px !important", fontFamily: "var(--mono)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent) !important", color: "var(--on-accent) !important" },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--muted)", fontFamily: "system-ui, sans-serif" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionInfo": { padding: "6px 10px", fontSize: "14px" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-diagnostic": { padding: "6px 12px", fontSize: "14px" },
  ".cm-diagnostic-error": { borderLeft: "5px solid var(--urgent)" },
  ".cm-diagnostic-warning": { borderLeft: "5px solid var(--monitor)" },
  ".cm-lintRange-error": { backgroundImage: "none", borderBottom: "2px solid var(--urgent)" },
  ".cm-lintRange-warning": { backgroundImage: "none", borderBottom: "2px solid var(--monitor)" },
  ".cm-lint-marker": { content: "none !important", width: ".8em", height: ".8em", borderRadius: "50%", margin: ".3em auto" },
  ".cm-lint-marker-error": { backgroundColor: "var(--urgent)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--monitor)" },
  ".cm-textfield": { backgroundColor: "var(--surface)", color: "var(--ink)", borderColor: "var(--line-strong)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--sunken)", color: "var(--ink)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", color: "var(--muted)", border: "1px solid var(--line)" },
});

const t = CM.tags;
const colours = CM.HighlightStyle.define([
  { tag: [t.propertyName, t.definition(t.propertyName)], color: "var(--accent)" },
  { tag: [t.comment, t.lineComment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [t.string, t.special(t.string), t.content], color: "var(--ink)" },
  { tag: [t.number, t.bool, t.keyword, t.atom], color: "var(--dead)" },
  { tag: [t.punctuation, t.separator, t.squareBracket, t.brace], color: "var(--muted)" },
]);

// When typing replaces a selection, Chromium inserts the text with an inline style, which our policy rejects.
const overSelection = CM.EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    if (empty || event.inputType !== "insertText" || !event.data || view.composing) return false;
    event.preventDefault();
    const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    const handled = view.state.facet(CM.EditorView.inputHandler).some((handle) => handle(view, from, to, event.data, insert));
    if (!handled) view.dispatch(insert());
    return true;
  },
});

async function complete(file, context) {
  const word = context.matchBefore(/[A-Za-z0-9_-]*/);
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (!context.explicit && word.from === word.to && !/[:[{,-]\s$/.test(before)) return null;
  sync();
  const data = new FormData();
  for (const name of ["csrf", RULES, file, "cases.yaml"]) data.set(name, form.elements[name].value);
  data.set("file", file);
  data.set("line", line.number);
  data.set("column", context.pos - line.from + 1);
  let completions;
  try {
    completions = await (await post(`${address}/completions`, data, "application/json")).json();
  } catch {
    return null; // typing goes on; the status line shows that the server is away
  }
  if (completions.start === null || !completions.options.length) return null;
  const options = completions.options.map((option, number) => ({
    label: option.label,
    apply: option.key ? `${option.label}: ` : option.label,
    detail: option.detail || undefined,
    info: option.info || undefined,
    boost: -number / 10,
  }));
  return { from: line.from + completions.start - 1, options, validFor: /^[A-Za-z0-9_-]*$/ };
}

function editorOf(textarea) {
  const file = textarea.name;
  const host = document.createElement("div");
  host.className = "editor";
  textarea.after(host);
  textarea.hidden = true;
  // In a shadow root the editor's styles are adopted sheets, which our policy allows.
  const root = host.attachShadow({ mode: "open" });
  const view = new CM.EditorView({
    doc: textarea.value,
    parent: root,
    root,
    extensions: [
      CM.lineNumbers(), CM.foldGutter(), CM.lintGutter(), CM.history(), CM.drawSelection(), CM.indentOnInput(),
      CM.bracketMatching(), CM.closeBrackets(), CM.highlightActiveLine(), CM.highlightActiveLineGutter(),
      CM.highlightSelectionMatches(), CM.search({ top: true }), CM.EditorView.lineWrapping, CM.yaml(), CM.syntaxHighlighting(colours), look, overSelection,
      CM.indentUnit.of("  "),
      CM.autocompletion({ override: [(context) => complete(file, context)], activateOnTypingDelay: 200 }),
      CM.keymap.of([...CM.closeBracketsKeymap, ...CM.defaultKeymap, ...CM.searchKeymap, ...CM.historyKeymap, ...CM.foldKeymap, ...CM.completionKeymap, ...CM.lintKeymap]),
      CM.EditorView.contentAttributes.of({ tabindex: "0", "aria-label": `${file}. Tab leaves the editor, Ctrl+Space completes.` }),
      CM.EditorView.updateListener.of((update) => update.docChanged && edited()),
    ],
  });
  return { textarea, view, host };
}

const sync = () => {
  for (const { textarea, view } of editors.values()) textarea.value = view.state.doc.toString();
};

for (const textarea of form.querySelectorAll("textarea.code")) editors.set(textarea.name, editorOf(textarea));

// --- faults as you type ---

const later = (milliseconds, act) => {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };
};

let asked = 0;

async function diagnose() {
  const mine = ++asked;
  sync();
  status.textContent = "Checking…";
  try {
    const answer = await (await post(`${address}/diagnostics`, formData(undefined), "application/json")).json();
    if (mine === asked) show(answer);
  } catch (error) {
    if (mine === asked) status.textContent = messageOf(error);
  }
}

function show(answer) {
  if (answer.trouble) {
    status.textContent = answer.trouble;
    return;
  }
  for (const [file, { view }] of editors) {
    const own = answer.diagnostics.filter((fault) => fault.file === file).map((fault) => marked(view, fault));
    view.dispatch(CM.setDiagnostics(view.state, own));
  }
  const [first] = answer.diagnostics;
  const count = answer.diagnostics.length;
  status.replaceChildren();
  if (!first) {
    status.textContent = `No faults: ${answer.draft.rules} rules, ${answer.draft.inputs} questions, ${answer.draft.cases} cases.`;
    return;
  }
  const link = document.createElement("a");
  Object.assign(link, { href: "#workbench", textContent: `${first.file}, line ${first.line}` });
  Object.assign(link.dataset, { file: first.file, line: first.line });
  status.append(count === 1 ? "One fault: " : `${count} faults, the first: `, link, `: ${first.message}`);
}

function marked(view, fault) {
  const doc = view.state.doc;
  const line = doc.line(Math.min(fault.line, doc.lines));
  const from = Math.min(line.from + fault.column - 1, line.to);
  const to = Math.max(from, Math.min(line.from + fault.end_column - 1, line.to));
  return { from, to, severity: fault.severity === "note" ? "info" : fault.severity, message: fault.message };
}

const diagnoseSoon = later(500, diagnose);
const trySoon = later(180, () => ask("try"));

function edited() {
  changed = true;
  document.getElementById("differs").textContent = "The draft has changes.";
  diagnoseSoon();
  if (triedOnce) trySoon();
}

// --- a patient ---

let triedOnce = Boolean(document.querySelector("#tried .versus"));

async function ask(action, submitter) {
  const onPatient = action === "try";
  const place = document.getElementById(onPatient ? "tried" : "outcome");
  sync();
  // A patient needs only the rules; the other files are large.
  const data = formData(submitter, onPatient ? ["cases.yaml", "properties.yaml", "personas.yaml", "vignettes.yaml"] : []);
  data.set("action", action);
  const mine = (place.asked = (place.asked ?? 0) + 1);
  place.setAttribute("aria-busy", "true");
  if (!onPatient) status.textContent = "Running. This can take up to a minute; you can go on editing.";
  try {
    const html = await (await post(address, data, "text/html")).text();
    if (mine !== place.asked) return;
    const opened = new Set([...place.querySelectorAll("details.rule[open] .rule-id")].map((id) => id.textContent));
    place.innerHTML = html;
    for (const rule of place.querySelectorAll("details.rule")) rule.open = opened.has(rule.querySelector(".rule-id").textContent);
    if (onPatient) {
      triedOnce = true;
      showVerdict(place);
    }
    else {
      status.textContent = "";
      place.focus();
      place.scrollIntoView({ block: "start" });
    }
  } catch (error) {
    if (mine !== place.asked) return;
    const message = document.createElement("p");
    message.className = "error";
    message.textContent = messageOf(error);
    place.replaceChildren(message);
  } finally {
    if (mine === place.asked) place.removeAttribute("aria-busy");
  }
}

// On a phone the result is far above the control that changes it.
function showVerdict(place) {
  const cards = [...place.querySelectorAll(".result")];
  document.getElementById("verdict").replaceChildren(
    ...cards.map((card) => {
      const level = document.createElement("span");
      level.append(`${card.querySelector("h3").textContent} `, card.querySelector(".badge").cloneNode(true));
      return level;
    }),
  );
}

function fill(patient) {
  for (const control of form.querySelectorAll("[name^='a.']")) {
    const word = patient[control.name.slice(2)] ?? "";
    if (control.type === "radio") control.checked = control.value === word;
    else control.value = word;
  }
  for (const slider of form.querySelectorAll(".slider")) follow(slider);
  for (const details of form.querySelectorAll(".controls > details")) {
    if ([...details.querySelectorAll("[name^='a.']")].some((control) => (control.type === "radio" ? control.checked && control.value : control.value))) details.open = true;
  }
}

function follow(slider) {
  const [number, range, unask] = ["[type=number]", "[type=range]", "[data-unask]"].map((part) => slider.querySelector(part));
  const unasked = number.value === "";
  slider.classList.toggle("unasked", unasked);
  if (range && !unasked) range.value = number.value;
  if (range) range.setAttribute("aria-valuetext", unasked ? "not asked" : number.value);
  unask.hidden = unasked;
}

for (const slider of form.querySelectorAll(".slider")) {
  const range = slider.querySelector("[type=range]");
  if (range) range.hidden = false;
  follow(slider);
}
form.querySelector("[data-clear]").hidden = false;

form.addEventListener("input", (event) => {
  const slider = event.target.closest(".slider");
  if (slider) {
    const number = slider.querySelector("[type=number]");
    if (event.target.type === "range") number.value = event.target.value;
    follow(slider);
  }
  if (event.target.closest(".control")) trySoon();
});

// --- buttons and links ---

const HERE = new Set(["check", "cases", "interview", "compare", "try"]);

form.addEventListener("submit", (event) => {
  sync();
  const button = event.submitter;
  const typed = document.activeElement?.closest(".control"); // Enter in a patient's answer
  const action = typed && button?.value === "check" ? "try" : button?.name === "patient" ? "try" : button?.value ?? "check";
  if (button?.name === "patient") {
    event.preventDefault();
    fill(JSON.parse(button.value));
    document.getElementById("patient-heading").scrollIntoView({ block: "start" });
    ask("try").then(() => document.getElementById("tried").focus());
  } else if (HERE.has(action)) {
    event.preventDefault();
    ask(action);
  } else changed = false; // a download, or another page
});

form.addEventListener("click", (event) => {
  const unask = event.target.closest("[data-unask]");
  if (unask) {
    const number = unask.closest(".slider").querySelector("[type=number]");
    number.value = "";
    follow(unask.closest(".slider"));
    number.focus();
    trySoon();
  }
  if (event.target.closest("[data-clear]")) {
    event.preventDefault();
    fill({});
    trySoon();
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  const { textarea, view } = editors.get(link.dataset.file);
  textarea.closest("details").open = true;
  const line = view.state.doc.line(Math.min(Number(link.dataset.line), view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from + /^\s*/.exec(line.text)[0].length }, effects: CM.EditorView.scrollIntoView(line.from, { y: "center" }) });
  view.focus();
});

for (const link of ["a[href^='#a-']"]) {
  document.addEventListener("click", (event) => {
    const to = event.target.closest(link);
    const control = to && document.getElementById(to.hash.slice(1));
    if (!control) return;
    event.preventDefault();
    find.value = "";
    find.dispatchEvent(new Event("input"));
    control.closest("details").open = true;
    control.scrollIntoView({ block: "center" });
    control.querySelector("input, select").focus();
  });
}

window.addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});

// --- finding a question ---

const find = document.getElementById("find");
const groups = [...form.querySelectorAll(".controls > details")];
let openBefore = null;
find.closest("div").hidden = false;
find.addEventListener("input", () => {
  const wanted = find.value.trim().toLowerCase();
  openBefore ??= groups.map((group) => group.open);
  groups.forEach((group, number) => {
    let hasMatch = false;
    for (const control of group.querySelectorAll(".control")) {
      control.hidden = !`${control.textContent} ${control.id}`.toLowerCase().includes(wanted);
      hasMatch ||= !control.hidden;
    }
    group.hidden = !hasMatch;
    group.open = wanted ? hasMatch : openBefore[number];
  });
  if (!wanted) openBefore = null;
});
find.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());

diagnose(); // also starts the checker, so it is ready when the person types

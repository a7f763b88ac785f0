// The page's script: draws what Python sends, passes presses on, reads changes out. It knows nothing of recommendation.
(() => {
  "use strict";
  const triggers = new Map();
  const said = new Set();
  const running = new Set(); // turns seen while they ran: what is only shown again is not read out
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // What the browser owns and a redraw must leave alone: an opened <details>, and the state of a feedback button, which the
  // script sets at once when it is pressed and Python confirms through "marks".
  const ofBrowser = (node, name) => (name === "open" && ["DETAILS", "DIALOG"].includes(node.tagName)) || (name === "aria-pressed" && node.dataset.kind);

  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && !a.dataset?.key;

  function morph(from, to) {
    if (from.nodeType !== Node.ELEMENT_NODE) {
      if (from.data === to.data) return;
      if (to.data.startsWith(from.data)) from.appendData(to.data.slice(from.data.length)); // keeps a selection
      else from.data = to.data;
      return;
    }
    for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !ofBrowser(from, name)) from.removeAttribute(name);
    for (const { name, value } of to.attributes)
      if (from.getAttribute(name) !== value && !ofBrowser(from, name)) from.setAttribute(name, value);
    morphChildren(from, to);
  }

  function morphChildren(from, to) {
    const keyed = new Map();
    for (const child of from.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
    let at = from.firstChild;
    for (const next of [...to.childNodes]) {
      const key = next.dataset?.key;
      let match = key ? keyed.get(key) : at && alike(at, next) ? at : null;
      if (match && match.nodeName !== next.nodeName) match = null;
      if (match) {
        if (match === at) at = at.nextSibling;
        else from.insertBefore(match, at);
        morph(match, next);
      } else from.insertBefore(next, at);
    }
    while (at) {
      const after = at.nextSibling;
      at.remove();
      at = after;
    }
  }

  const status = () => {
    let node = document.getElementById("zy-status");
    if (!node) {
      node = Object.assign(document.createElement("div"), { id: "zy-status", className: "sr" });
      node.setAttribute("role", "status");
      document.body.append(node);
    }
    return node;
  };

  // Progress and whole reasons are read out once, not every new word.
  function announce(root) {
    for (const turn of root.querySelectorAll(".turn[data-busy]")) running.add(turn.dataset.key);
    for (const node of root.querySelectorAll("[data-say]")) {
      const turn = node.closest(".turn")?.dataset.key ?? "";
      if (turn && !running.has(turn)) continue;
      const key = `${turn}/${node.dataset.say}`;
      if (said.has(key)) continue;
      said.add(key);
      const line = document.createElement("p");
      const title = node.closest(".card")?.querySelector(".title")?.textContent;
      line.textContent = title ? `${title}: ${node.textContent}` : node.textContent;
      status().append(line);
      while (status().childElementCount > 6) status().firstElementChild.remove();
      if (node.dataset.restore) fill(node.dataset.restore, true);
    }
  }

  const cardPlaces = (root) => new Map([...root.querySelectorAll(".card")].map((card) => [card, card.getBoundingClientRect().top]));

  // Cards that change places glide there instead of jumping.
  function glide(before) {
    if (calm()) return;
    for (const [card, top] of before) {
      const moved = card.isConnected ? top - card.getBoundingClientRect().top : 0;
      if (Math.abs(moved) > 30)
        card.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 260, easing: "ease-out" });
    }
  }

  function draw(name, root, value) {
    if (name === "marks") return applyMarks(value);
    if (name === "document") return download(value);
    const target = document.createElement("div");
    target.innerHTML = value ?? "";
    const before = name === "live" ? cardPlaces(root) : new Map();
    const last = root.querySelector(".turn")?.dataset.key;
    morphChildren(root, target);
    glide(before);
    announce(root);
    if (name === "header") {
      document.documentElement.lang = root.querySelector("[data-language]")?.dataset.language ?? "en";
    }
    const dialog = root.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
    const turn = name === "live" ? root.querySelector(".turn") : null;
    // A new turn goes to the top of the window once; after that nothing scrolls by itself while one reads.
    if (turn && turn.dataset.key !== last)
      requestAnimationFrame(() => turn.scrollIntoView({ block: "start", behavior: calm() || !last ? "auto" : "smooth" }));
  }

  function applyMarks(value) {
    if (!value) return;
    document.body.dataset.ready = "true"; // the first thing that Python says when the page is set up
    const marks = JSON.parse(value);
    for (const button of document.querySelectorAll("button[data-kind]"))
      if (marks[button.dataset.kind])
        button.setAttribute("aria-pressed", String(marks[button.dataset.kind].includes(button.dataset.item)));
  }

  function download(value) {
    if (!value) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([value], { type: "application/json" }));
    link.download = "zhiyin-profile.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  const ask = (asked) => triggers.get("profile")?.("select", { asked: JSON.stringify(asked) });

  // A press in the dialog of what is known: a line that is not so, or something to be done with all of it.
  function own(button) {
    if (button.dataset.close !== undefined) return button.closest("dialog").close();
    ask(button.dataset.line ? { line: button.dataset.line } : { [button.dataset.own]: true });
  }

  document.addEventListener("change", async (event) => {
    const file = event.target.matches?.("input[data-own]") && event.target.files[0];
    if (file) ask({ import: await file.text() }); // read here: no copy of it is left on the server
  });

  function fill(words, onlyIfEmpty = false) {
    const box = document.querySelector("#zy-message textarea, #zy-message input");
    if (!box || (onlyIfEmpty && box.value)) return;
    const prototype = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
    Object.getOwnPropertyDescriptor(prototype, "value").set.call(box, words);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  const tell = (element, item, kind, on) => {
    const turn = element.closest("[data-turn]")?.dataset.turn ?? "";
    triggers.get("live")?.("select", { opinion: JSON.stringify({ item, kind, on, turn }) });
  };

  // Who opens "why" looks closer at an item; it counts once a turn. The event does not bubble.
  document.addEventListener("toggle", (event) => {
    const card = event.target.matches?.("details.why[open]") && event.target.closest(".card");
    if (card) tell(card, card.dataset.item, "opened", true);
  }, true);

  function mark(button) {
    const { kind, item } = button.dataset;
    const on = button.getAttribute("aria-pressed") !== "true";
    const other = { liked: "disliked", disliked: "liked" }[kind];
    for (const same of document.querySelectorAll("button[data-kind]")) {
      if (same.dataset.item !== item) continue;
      if (same.dataset.kind === kind) same.setAttribute("aria-pressed", String(on));
      else if (on && same.dataset.kind === other) same.setAttribute("aria-pressed", "false");
    }
    tell(button, item, kind, on);
  }

  // An answer to a question, or something that no longer holds: a message that nobody types. One at a time.
  function press(button, byKeyboard) {
    if (document.querySelector("[data-busy]") || button.closest("[aria-busy]")) return;
    const { answer, drop } = button.dataset;
    const pressed = answer === undefined ? { drop: Number(drop), in: button.dataset.in } : { say: answer };
    const group = button.closest("[data-key]");
    group.setAttribute("aria-busy", "true"); // until Python draws it anew
    setTimeout(() => group.removeAttribute("aria-busy"), 5000); // or says why it does not
    triggers.get("held")?.("submit", { pressed: JSON.stringify(pressed) });
    // The button itself will be gone. A tap does not open a phone's keyboard.
    if (byKeyboard) document.querySelector("#zy-message textarea")?.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-kind], button[data-example], button[data-answer], button[data-drop], button[data-close], button[data-line], button[data-own]");
    if (!button) return;
    if (button.closest("dialog")) return own(button);
    if (button.dataset.kind) return mark(button);
    if (!button.dataset.example) return press(button, event.detail === 0);
    fill(button.dataset.example);
    setTimeout(() => document.getElementById("zy-send")?.click(), 60); // after Gradio has taken the new value
  });

  window.zhiyin = {
    mount(name, element, value, watch, trigger) {
      triggers.set(name, trigger);
      const root = element.querySelector(".zy-mount");
      draw(name, root, value());
      watch("value", () => draw(name, root, value()));
    },
  };
})();

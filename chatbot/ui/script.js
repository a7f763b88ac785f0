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
      const words = node.dataset.words ?? node.textContent;
      line.textContent = title ? `${title}: ${words}` : words;
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
    if (dialog) showDialog(dialog);
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

  function showDialog(dialog) {
    document.body.classList.remove("menu");
    if (!dialog.open) dialog.showModal();
    if (dialog.dataset.map) window.zhiyinMap(dialog);
    // what is being made is asked for again until it is there, or nobody waits any more
    if (dialog.dataset.again !== undefined) setTimeout(() => dialog.isConnected && dialog.open && ask({ show: "map" }), 700);
  }

  function download(value) {
    if (!value) return;
    const { name, type, text } = JSON.parse(value);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  const ask = (asked) => triggers.get("panel")?.("select", { asked: JSON.stringify(asked) });

  // Presses beside the conversation: each is one thing to ask for, named by the attribute of its button.
  const ASKED = {
    show: (data) => ({ show: data.show, item: data.item }),
    line: (data) => ({ line: data.line }),
    own: (data) => ({ [data.own]: true }),
    open: (data) => ({ open: data.open }),
    remove: (data) => ({ remove: data.remove }),
    others: (data) => ({ others: data.others }),
    earlier: () => ({ earlier: true }),
  };

  document.addEventListener("change", async (event) => {
    const field = event.target;
    if (field.matches?.("input[type=file][data-own]") && field.files[0])
      ask({ import: await field.files[0].text() }); // read here: no copy of it is left on the server
    const setting = field.closest?.("[data-setting]");
    if (setting) ask({ setting: setting.dataset.setting, value: field.value });
  });

  document.addEventListener("submit", (event) => {
    const { rename, instead } = event.target.dataset;
    if (rename || instead || event.target.matches(".find")) event.preventDefault();
    if (rename) ask({ rename, title: event.target.elements.title.value });
    if (instead) run({ say: event.target.elements.said.value, instead }, event.target);
    if (event.target.matches(".find")) find(event.target.elements.find.value);
  });

  let finding;
  const find = (words) => (clearTimeout(finding), ask({ find: words }));
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.(".find")) return;
    clearTimeout(finding);
    finding = setTimeout(find, 250, event.target.value);
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-instead]"); // Enter sends, as in the box
    if (form && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
    if (event.key !== "Escape") return;
    document.body.classList.remove("menu");
    event.target.closest?.("details.edit, details.change")?.removeAttribute("open");
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
    if (event.target.matches?.("details.edit[open]")) {
      const field = event.target.querySelector("textarea");
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
    }
    const card = event.target.matches?.("details.why[open]") && event.target.closest(".card");
    if (card) tell(card, card.dataset.item, "opened", true);
  }, true);

  // Where a picture turns out to be none, the drawn cover under it shows. The event does not bubble.
  document.addEventListener("error", (event) => event.target.matches?.(".cover img") && event.target.remove(), true);

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

  // A message that nobody types in the box: an answer, one said anew, something that no longer holds. One at a time.
  function run(pressed, element) {
    if (document.querySelector("[data-busy]") || element.closest("[aria-busy]")) return false;
    const group = element.closest("[data-key]");
    group?.setAttribute("aria-busy", "true"); // until Python draws it anew
    setTimeout(() => group?.removeAttribute("aria-busy"), 5000); // or says why it does not
    element.closest("dialog")?.close();
    triggers.get("held")?.("submit", { pressed: JSON.stringify(pressed) });
    return true;
  }

  function press(button, byKeyboard) {
    const { answer, drop } = button.dataset;
    const pressed = answer !== undefined ? { say: answer } : drop ? { drop: Number(drop), in: button.dataset.in } : { retry: true };
    if (!run(pressed, button)) return;
    // The button itself will be gone. A tap does not open a phone's keyboard.
    if (byKeyboard) document.querySelector("#zy-message textarea")?.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const { target } = event;
    if (target.matches?.("dialog")) return target.close(); // beside what it shows
    const cover = target.closest?.(".card .cover, .tile .cover, .small .cover");
    const button = cover ? cover.parentElement.querySelector("button.title") : target.closest?.("button");
    if (!button) return void (target.closest?.("#zy-side, [data-menu]") || document.body.classList.remove("menu"));
    const data = button.dataset;
    const asked = Object.keys(ASKED).find((name) => data[name] !== undefined);
    if (data.close !== undefined) button.closest("dialog").close();
    else if (data.menu !== undefined) openMenu(button);
    else if (data.cancel !== undefined) button.closest("details").removeAttribute("open");
    else if (data.kind) mark(button);
    else if (asked === "earlier" && document.querySelector("[data-busy]")) return; // it would be drawn over the running turn
    else if (asked) ask(ASKED[asked](data));
    else if (data.answer !== undefined || data.drop !== undefined || data.retry !== undefined) press(button, event.detail === 0);
    else if (data.example) {
      fill(data.example);
      setTimeout(() => document.getElementById("zy-send")?.click(), 60); // after Gradio has taken the new value
    }
    if (data.open || button.id === "zy-new") document.body.classList.remove("menu");
  });

  function openMenu(button) {
    const open = document.body.classList.toggle("menu");
    button.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector("#zy-side input[type=search]")?.focus({ preventScroll: true });
  }

  window.zhiyin = {
    ask,
    mount(name, element, value, watch, trigger) {
      triggers.set(name, trigger);
      const root = element.querySelector(".zy-mount");
      draw(name, root, value());
      watch("value", () => draw(name, root, value()));
    },
  };
})();

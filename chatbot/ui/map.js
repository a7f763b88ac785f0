// Draws the map of the catalogue into its dialog: dots that can be moved, enlarged and pressed. It knows nothing of what they are.
(() => {
  "use strict";
  const MARKS = { liked: "#a83a2c", shown: "#1f5fbf", saved: "#2c6655" };
  const MARKS_DARK = { liked: "#e98a76", shown: "#8ab8ff", saved: "#86c9b1" };
  const HUES = [210, 28, 150, 330, 265, 52, 185, 0];
  const NEAR = 14; // pixels from a dot at which it is meant
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  window.zhiyinMap = (dialog) => {
    const canvas = dialog.querySelector("canvas");
    if (!canvas || canvas.dataset.drawn === dialog.dataset.map) return;
    canvas.dataset.drawn = dialog.dataset.map;
    const { scale, items, regions } = JSON.parse(dialog.dataset.map);
    const tag = dialog.querySelector(".tag");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const context = canvas.getContext("2d");
    let view = { x: 0.5, y: 0.5, zoom: 1 }; // the middle, in parts of the map, and how much it is enlarged
    let width = 0, height = 0, at = -1;
    let taken = []; // boxes of what is written

    const side = () => Math.min(width, height) * 0.92 * view.zoom;
    const place = (x, y) => [width / 2 + (x / scale - view.x) * side(), height / 2 + (y / scale - view.y) * side()];
    const colour = (n) => (n === HUES.length - 1 ? (dark.matches ? "#77736a" : "#b4ad9e") : `hsl(${HUES[n]} 42% ${dark.matches ? 58 : 52}%)`);

    function draw() {
      const ratio = devicePixelRatio || 1;
      width = canvas.clientWidth;
      height = canvas.clientHeight;
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const ink = getComputedStyle(dialog).color;
      const marks = dark.matches ? MARKS_DARK : MARKS;
      const size = clamp(3.2 * Math.sqrt(view.zoom) * Math.sqrt(300 / Math.max(items.length, 150)), 1.2, 7);
      taken = [];
      for (const marked of [false, true])
        items.forEach(([, , x, y, hue, mark], n) => {
          if (Boolean(mark) !== marked) return;
          const [left, top] = place(x, y);
          if (left < -60 || top < -20 || left > width + 60 || top > height + 20) return;
          context.beginPath();
          context.arc(left, top, mark || n === at ? size + 3 : size, 0, 7);
          context.fillStyle = mark ? marks[mark] : colour(hue);
          context.globalAlpha = mark || n === at ? 1 : 0.8;
          context.fill();
          context.globalAlpha = 1;
        });
      const { fontFamily, backgroundColor } = getComputedStyle(dialog);
      const near = view.zoom >= 3.5 && items.length / view.zoom ** 2 <= 60;
      const named = items.filter(([, , , , , mark], n) => mark || n === at || near).sort((a, b) => (b[5] ? 1 : 0) - (a[5] ? 1 : 0));
      for (const [, title, x, y, , mark] of named) {
        const [left, top] = place(x, y);
        write(title, left + size + 6, top + 4, `${mark ? 600 : 400} 12.5px ${fontFamily}`, ink, backgroundColor);
      }
      const serif = getComputedStyle(dialog.querySelector("h2")).fontFamily;
      for (const [word, x, y] of regions) {
        const [left, top] = place(x, y);
        context.font = `${dialog.lang.startsWith("zh") ? "" : "italic "}600 14px ${serif}`;
        write(word, left - context.measureText(word).width / 2, top, context.font, ink, backgroundColor);
      }
    }

    // Writes words with a margin in the colour of the ground, unless others stand there already.
    function write(words, left, top, font, ink, ground) {
      context.font = font;
      const box = [left - 3, top - 13, left + context.measureText(words).width + 3, top + 5];
      if (taken.some(([l, t, r, b]) => box[0] < r && l < box[2] && box[1] < b && t < box[3])) return;
      taken.push(box);
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeStyle = ground;
      context.strokeText(words, left, top);
      context.fillStyle = ink;
      context.fillText(words, left, top);
    }

    function nearest(event) {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      let found = -1, least = NEAR;
      items.forEach(([, , px, py, , mark], n) => {
        const [left, top] = place(px, py);
        const distance = Math.hypot(left - x, top - y) - (mark ? 3 : 0);
        if (distance < least) [found, least] = [n, distance];
      });
      return found;
    }

    function look(event) {
      const found = nearest(event);
      tag.hidden = found < 0;
      canvas.style.cursor = found < 0 ? "grab" : "pointer";
      if (found >= 0) {
        tag.textContent = items[found][1];
        const box = canvas.getBoundingClientRect();
        tag.style.left = `${clamp(event.clientX - box.left, 70, width - 70)}px`;
        tag.style.top = `${event.clientY - box.top - 34}px`;
      }
      if (found !== at) (at = found), draw();
    }

    function zoom(by, x = width / 2, y = height / 2) {
      const next = clamp(view.zoom * by, 0.8, 24);
      const [dx, dy] = [x - width / 2, y - height / 2];
      const [before, after] = [side(), (side() * next) / view.zoom];
      view = { x: view.x + dx / before - dx / after, y: view.y + dy / before - dy / after, zoom: next };
      draw();
    }

    function move(dx, dy) {
      view = { ...view, x: clamp(view.x - dx / side(), -0.2, 1.2), y: clamp(view.y - dy / side(), -0.2, 1.2) };
      draw();
    }

    const fingers = new Map();
    let moved = 0;
    canvas.onpointerdown = (event) => {
      fingers.set(event.pointerId, event);
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
    };
    canvas.onpointermove = (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return look(event);
      const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
      if (other) {
        const spread = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
        const box = canvas.getBoundingClientRect();
        zoom(spread(event) / Math.max(spread(before), 1), other.clientX - box.left, other.clientY - box.top);
      } else move(event.clientX - before.clientX, event.clientY - before.clientY);
      moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
      fingers.set(event.pointerId, event);
    };
    canvas.onpointerup = (event) => {
      fingers.delete(event.pointerId);
      const found = moved < 6 ? nearest(event) : -1;
      if (found >= 0) window.zhiyin.ask({ show: "item", item: items[found][0] });
    };
    canvas.onpointercancel = canvas.onpointerleave = (event) => {
      fingers.delete(event.pointerId);
      tag.hidden = true;
    };
    canvas.onwheel = (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
    };
    const KEYS = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    canvas.onkeydown = (event) => {
      if (KEYS[event.key]) move(...KEYS[event.key]);
      else if ("+=".includes(event.key)) zoom(1.5);
      else if (event.key === "-") zoom(1 / 1.5);
      else return;
      event.preventDefault();
    };
    for (const button of dialog.querySelectorAll("[data-zoom]")) button.onclick = () => zoom(Number(button.dataset.zoom));
    new ResizeObserver(draw).observe(canvas);
    dark.onchange = draw;
    draw();
  };
})();

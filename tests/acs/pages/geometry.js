async ({ pages, sizes }) => {
  // Measures every page in every size inside one frame: what is cut, covered, outside or too small.
  // Geometry and no pictures, so that another machine's fonts make no difference.
  const PIECES =
    "h1, dt, dd, label, input:not([type=hidden]), button, summary, p, li, header img, .issuer > span";
  const frame = document.createElement("iframe");
  document.body.append(frame);

  const load = (name) =>
    new Promise((resolve) => {
      frame.onload = () => resolve(frame.contentDocument);
      frame.src = name;
    });

  const name = (e) => e.tagName.toLowerCase() + (e.id ? `#${e.id}` : e.className && `.${e.className}`);
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;

  function faults(doc, width) {
    const found = [];
    if (doc.documentElement.scrollWidth > width) found.push("scrolls sideways");
    const shown = [...doc.querySelectorAll(PIECES)]
      .map((e) => [e, e.getBoundingClientRect()])
      .filter(([, box]) => box.width > 1 && box.height > 1);
    const range = doc.createRange();
    for (const [e, box] of shown) {
      if (box.left < -0.5 || box.right > width + 0.5) found.push(`${name(e)} is outside`);
      range.selectNodeContents(e);
      const text = range.getBoundingClientRect();
      if (text.width > 0 && (text.left < box.left - 1 || text.right > box.right + 1)) {
        found.push(`${name(e)} is cut`);
      }
      const least = { BUTTON: 44, SUMMARY: 44, INPUT: e.type === "checkbox" ? 24 : 40 }[e.tagName] ?? 0;
      if (box.height < least) found.push(`${name(e)} is ${box.height} px high`);
    }
    for (const [i, [a, one]] of shown.entries()) {
      for (const [b, other] of shown.slice(i + 1)) {
        if (meet(one, other) && !a.contains(b)) found.push(`${name(a)} and ${name(b)} overlap`);
      }
    }
    return found;
  }

  const all = [];
  for (const page of pages) {
    const doc = await load(page);
    doc.querySelectorAll("details").forEach((one) => (one.open = true));
    const warning = doc.getElementById("warning");
    if (warning) {
      warning.hidden = false;
      warning.querySelector("span").textContent = warning.dataset.text;
    }
    for (const [width, height, text, dir] of sizes) {
      frame.width = width;
      frame.height = height;
      doc.documentElement.style.fontSize = text;
      doc.documentElement.dir = dir;
      // The bar of a frame that scrolls takes room on some systems; the page has what is left.
      const room = doc.documentElement.clientWidth;
      for (const fault of faults(doc, room)) all.push(`${page} ${width}x${height} ${text} ${dir}: ${fault}`);
    }
  }
  return all;
}

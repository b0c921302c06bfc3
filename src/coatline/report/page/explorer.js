// The explorer: formulas of the surrogates, run in the page. Nothing is loaded, nothing is sent.
(function () {
  const data = JSON.parse(document.getElementById("coatline-data").textContent);
  const formulas = window.coatlineFormulas;
  const find = (id) => document.getElementById(id);
  const { inputs, properties } = data;
  const recipe = inputs.map((one) => one.start);
  const REACH = data.reach;
  const COLOURS = { blue: "#0072b2", red: "#d55e00", sky: "#56b4e9", grey: "#b0b7bf" };

  // Numbers with so many significant digits, never as a power of ten.
  function write(value, digits = 3) {
    if (!Number.isFinite(value)) return "–";
    if (value === 0) return "0";
    const size = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
    return value.toFixed(Math.max(0, Math.min(12, digits - 1 - size))).replace("-", "−");
  }
  const withUnit = (value, unit) => (unit ? `${write(value)} ${unit}` : write(value));

  // Properties of a recipe, in the order of the properties.
  const predict = (values) => properties.map((one) => formulas[one.name](...values));

  function interval(one, value) {
    if (one.error === null) return null;
    if (one.scale === "log") {
      return [value * Math.exp(-REACH * one.error), value * Math.exp(REACH * one.error)];
    }
    return [value - REACH * one.error, value + REACH * one.error];
  }

  const scale = (one, value) =>
    Math.min(1, Math.max(0, (value - one.low) / (one.high - one.low || 1)));

  // The objective over the properties that have a goal, as in Python.
  function objective(values) {
    let total = 0, weights = 0;
    properties.forEach((one, index) => {
      if (!one.goal) return;
      const scaled = scale({ low: one.aim[0], high: one.aim[1] }, values[index]);
      total += one.weight * (one.goal === "minimise" ? scaled : 1 - scaled) ** 2;
      weights += one.weight;
    });
    return weights ? total / weights : NaN;
  }

  function make(tag, attributes = {}, text = "") {
    const node = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    if (text) node.textContent = text;
    return node;
  }

  function draw(tag, attributes = {}, text = "") {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    if (text) node.textContent = text;
    return node;
  }

  // Sliders, each with a field for exact numbers.
  const controls = inputs.map((one, index) => {
    const row = make("div", { class: "slider" });
    const id = `slide-${one.name}`;
    const label = make("label", { for: id }, `${one.label} (${one.symbol}, %)`);
    const field = make("input", {
      type: "number", min: one.low, max: one.high, step: 0.1, "aria-label": `${one.label}, %`,
    });
    const slider = make("input", { type: "range", id, min: one.low, max: one.high, step: 0.01 });
    row.append(label, field, slider);
    find("sliders").append(row);
    slider.addEventListener("input", () => setInput(index, Number(slider.value)));
    field.addEventListener("change", () => {
      const value = Number(field.value);
      setInput(index, field.value !== "" && Number.isFinite(value) ? value : recipe[index]);
    });
    return { slider, field };
  });

  function setInput(index, value) {
    const one = inputs[index];
    recipe[index] = Math.min(one.high, Math.max(one.low, value));
    refresh();
  }

  function setRecipe(values) {
    values.forEach((value, index) => {
      recipe[index] = Math.min(inputs[index].high, Math.max(inputs[index].low, value));
    });
    refresh();
  }

  data.places.forEach((place) => {
    const button = make("button", { type: "button" }, place.label);
    button.addEventListener("click", () => setRecipe(place.recipe));
    find("places").append(button);
  });

  // Predictions.
  const rows = properties.map((one) => {
    const row = make("tr");
    row.append(make("th", { scope: "row" }, one.label));
    const cells = [make("td"), make("td"), make("td")];
    cells[0].id = `value-${one.name}`;
    const span = make("span", { class: "span" });
    const parts = ["i", "u", "b"].map((tag) => span.appendChild(make(tag)));
    cells[2].append(span);
    row.append(...cells);
    find("predictions").tBodies[0].append(row);
    return { cells, parts };
  });

  function showPredictions(values) {
    properties.forEach((one, index) => {
      const { cells, parts } = rows[index];
      const value = values[index];
      const ends = interval(one, value);
      cells[0].textContent = withUnit(value, one.unit);
      cells[0].dataset.value = value;
      cells[1].textContent = ends ? `${write(ends[0])} to ${write(ends[1])}` : "–";
      const [low, high] = (ends || [value, value]).map((end) => 100 * scale(one, end));
      parts[0].style.left = `${low}%`;
      parts[0].style.width = `${high - low}%`;
      const best = data.optimum.values[index];
      parts[1].style.display = best === null ? "none" : "";
      if (best !== null) parts[1].style.left = `${100 * scale(one, best)}%`;
      parts[2].style.left = `${100 * scale(one, value)}%`;
    });
    const score = objective(values);
    find("objective").textContent = write(score);
    find("objective").dataset.value = score;
  }

  // Radar: drawn whole when what stands beside changes; a slider moves the polygon of the recipe.
  data.shapes.forEach((one, index) => find("beside").append(make("option", { value: index }, one.label)));
  find("beside").addEventListener("change", () => {
    drawRadar();
    refresh();
  });
  const aimed = properties.map((one, index) => index).filter((index) => properties[index].goal);
  const spokes = aimed.length ? aimed : properties.map((one, index) => index);
  const radar = { shape: null, dots: [] };

  function placeSpoke(k, radius) {
    const angle = (2 * Math.PI * k) / spokes.length;
    return [160 + radius * Math.sin(angle), 128 - radius * Math.cos(angle)];
  }
  const placeShape = (all) => spokes.map((index, k) => {
    const known = all[index] === null ? properties[index].low : all[index];
    return placeSpoke(k, 90 * scale(properties[index], known));
  });

  function drawRadar() {
    const picture = draw("svg", { viewBox: "0 0 320 268", role: "img", "aria-label": "Radar chart" });
    for (const part of [0.25, 0.5, 0.75, 1]) {
      picture.append(draw("circle", { cx: 160, cy: 128, r: 90 * part, fill: "none", stroke: "#d0d7de" }));
    }
    spokes.forEach((index, k) => {
      const [x, y] = placeSpoke(k, 90), [tx, ty] = placeSpoke(k, 104);
      picture.append(draw("line", { x1: 160, y1: 128, x2: x, y2: y, stroke: "#d0d7de" }));
      const anchor = Math.abs(tx - 160) < 8 ? "middle" : tx > 160 ? "start" : "end";
      properties[index].spoke.forEach((line, number) => {
        picture.append(draw("text", { x: tx, y: ty + 4 + 12 * number, "text-anchor": anchor }, line));
      });
    });
    const beside = data.shapes[Number(find("beside").value) || 0];
    const shapes = [[beside.label, COLOURS.red, beside.values, "5 3"], ["your recipe", COLOURS.blue, predict(recipe), ""]];
    shapes.forEach(([label, colour, all, dash], number) => {
      const points = placeShape(all);
      radar.shape = picture.appendChild(draw("polygon", {
        points: points.map((point) => point.join(",")).join(" "),
        fill: colour, "fill-opacity": 0.15, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash,
      }));
      radar.dots = points.map(([x, y]) => picture.appendChild(draw("circle", { cx: x, cy: y, r: 3, fill: colour })));
      picture.append(draw("rect", { x: 8, y: 240 + 14 * number, width: 14, height: 4, fill: colour }));
      picture.append(draw("text", { x: 27, y: 246 + 14 * number }, label));
    });
    find("radar").replaceChildren(picture);
  }

  function showRadar(values) {
    const points = placeShape(values);
    radar.shape.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    points.forEach(([x, y], k) => {
      radar.dots[k].setAttribute("cx", x);
      radar.dots[k].setAttribute("cy", y);
    });
  }

  // Electrodes as columns of numbers, NaN for none: there may be ten thousand of them.
  function pack(rows, pick, count) {
    return [...Array(count).keys()].map((index) =>
      Float64Array.from(rows, (one) => (pick(one)[index] === null ? NaN : pick(one)[index])));
  }
  const samples = pack(data.samples, (one) => one.values, properties.length);
  const front = pack(data.front, (one) => one.values, properties.length);
  const placed = pack(data.samples, (one) => one.recipe, inputs.length)
    .map((column, k) => column.map((value) => value / (inputs[k].high - inputs[k].low)));

  // Scatter of two properties: points on a canvas, drawn when the axes change; the recipe above it.
  properties.forEach((one, index) => {
    find("across").append(make("option", { value: index }, one.label));
    find("up").append(make("option", { value: index }, one.label));
  });
  find("up").value = Math.min(1, properties.length - 1);
  find("across").addEventListener("change", refresh);
  find("up").addEventListener("change", refresh);

  function ticks(low, high) {
    const raw = (high - low) / 4 || 1;
    const size = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((one) => one * size).find((one) => one >= raw);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high + 1e-9 * step; at += step) found.push(at);
    return found;
  }

  const plane = {
    drawn: "", ends: [], shown: [],
    points: find("plane").appendChild(make("canvas")),
    picture: find("plane").appendChild(draw("svg", { viewBox: "0 0 320 256", role: "img", "aria-label": "Scatter of two properties" })),
  };
  plane.frame = plane.picture.appendChild(draw("g"));
  plane.bars = [0, 1].map(() => plane.picture.appendChild(draw("line", { stroke: COLOURS.red, "stroke-width": 1.6 })));
  plane.here = plane.picture.appendChild(draw("circle", { r: 6, fill: "none", stroke: COLOURS.red, "stroke-width": 2.4, id: "here" }));
  const atX = (value) => 46 + (264 * (value - plane.ends[0][0])) / (plane.ends[0][1] - plane.ends[0][0]);
  const atY = (value) => 216 - (206 * (value - plane.ends[1][0])) / (plane.ends[1][1] - plane.ends[1][0]);

  const spans = properties.map((one, index) => {
    let low = Infinity, high = -Infinity;
    for (const column of [samples[index], front[index], [data.optimum.values[index] ?? NaN]]) {
      for (const value of column) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return [low, high];
  });

  function showPlane(values) {
    const pair = [Number(find("across").value), Number(find("up").value)];
    const ends = pair.map((index) => {
      const low = Math.min(spans[index][0], values[index]), high = Math.max(spans[index][1], values[index]);
      const room = 0.05 * (high - low || 1);
      return [low - room, high + room];
    });
    const key = JSON.stringify([pair, ends]);
    if (key !== plane.drawn) {
      plane.drawn = key;
      plane.ends = ends;
      drawPlane(...pair);
    }
    const reach = pair.map((index) => interval(properties[index], values[index]));
    const [x, y] = [atX(values[pair[0]]), atY(values[pair[1]])];
    const clip = (value, k) => Math.min(ends[k][1], Math.max(ends[k][0], value));
    const move = (node, x1, y1, x2, y2) =>
      Object.entries({ x1, y1, x2, y2 }).forEach(([name, value]) => node.setAttribute(name, value));
    if (reach[0]) move(plane.bars[0], atX(clip(reach[0][0], 0)), y, atX(clip(reach[0][1], 0)), y);
    if (reach[1]) move(plane.bars[1], x, atY(clip(reach[1][0], 1)), x, atY(clip(reach[1][1], 1)));
    plane.bars.forEach((bar, k) => bar.setAttribute("visibility", reach[k] ? "visible" : "hidden"));
    plane.here.setAttribute("cx", x);
    plane.here.setAttribute("cy", y);
  }

  function drawPlane(i, j) {
    const nodes = [draw("rect", { x: 46, y: 10, width: 264, height: 206, fill: "none", stroke: "#8c959f" })];
    ticks(...plane.ends[0]).forEach((at) => {
      nodes.push(draw("line", { x1: atX(at), x2: atX(at), y1: 216, y2: 220, stroke: "#57606a" }));
      nodes.push(draw("text", { x: atX(at), y: 231, "text-anchor": "middle" }, String(+at.toPrecision(6))));
    });
    ticks(...plane.ends[1]).forEach((at) => {
      nodes.push(draw("line", { x1: 42, x2: 46, y1: atY(at), y2: atY(at), stroke: "#57606a" }));
      nodes.push(draw("text", { x: 40, y: atY(at) + 4, "text-anchor": "end" }, String(+at.toPrecision(6))));
    });
    const title = (one) => (one.unit ? `${one.label} (${one.unit})` : one.label);
    nodes.push(draw("text", { x: 178, y: 248, "text-anchor": "middle" }, title(properties[i])));
    nodes.push(draw("text", { x: -113, y: 9, "text-anchor": "middle", transform: "rotate(-90)" }, title(properties[j])));
    const best = data.optimum.values;
    if (best[i] !== null && best[j] !== null) {
      const star = [...Array(10).keys()].map((k) => {
        const radius = k % 2 ? 3 : 7;
        return `${atX(best[i]) + radius * Math.sin((k * Math.PI) / 5)},${atY(best[j]) - radius * Math.cos((k * Math.PI) / 5)}`;
      });
      nodes.push(draw("polygon", { points: star.join(" "), fill: "#f0e442", stroke: "black" }));
    }
    plane.frame.replaceChildren(...nodes);

    const fine = 2 * Math.min(2, window.devicePixelRatio || 1), pen = plane.points.getContext("2d");
    plane.points.width = 320 * fine;
    plane.points.height = 256 * fine;
    pen.scale(fine, fine);
    const few = data.samples.length < 2000;
    plane.shown = [[samples, COLOURS.grey, data.samples], [front, COLOURS.sky, data.front]].map(([columns, colour, rows]) => {
      const across = columns[i].map(atX), up = columns[j].map(atY);
      pen.fillStyle = colour;
      for (let k = 0; k < across.length; k++) {
        if (few) {
          pen.beginPath();
          pen.arc(across[k], up[k], 2.6, 0, 2 * Math.PI);
          pen.fill();
        } else pen.fillRect(across[k] - 1, up[k] - 1, 2, 2);
      }
      return { across, up, rows };
    });
  }

  // The electrode or recipe of the front within reach of a pointer, the last drawn first.
  function findPoint(event) {
    const box = plane.picture.getBoundingClientRect();
    const x = (320 * (event.clientX - box.left)) / box.width, y = (256 * (event.clientY - box.top)) / box.height;
    let found = null, least = 36;
    plane.shown.forEach(({ across, up, rows }) => {
      for (let k = 0; k < across.length; k++) {
        const far = (across[k] - x) ** 2 + (up[k] - y) ** 2;
        if (far <= least) [found, least] = [rows[k], far];
      }
    });
    return found;
  }
  plane.picture.addEventListener("click", (event) => {
    const point = findPoint(event);
    if (point) setRecipe(point.recipe);
  });
  plane.picture.addEventListener("pointermove", (event) => {
    const point = findPoint(event);
    find("plane").title = point ? point.label : "";
    plane.picture.style.cursor = point ? "pointer" : "";
  });

  // Targets: recipes spread evenly over the box, by Halton's sequence.
  function radical(number, base) {
    let value = 0, part = 1;
    for (; number > 0; number = Math.floor(number / base)) {
      part /= base;
      value += part * (number % base);
    }
    return value;
  }
  const spread = [...Array(2500).keys()].map((k) => {
    const at = inputs.map((one, index) => one.low + (one.high - one.low) * radical(k + 1, [2, 3, 5][index]));
    return { recipe: at, values: predict(at) };
  });
  const fields = properties.map((one) => {
    const row = make("div", { class: "target" });
    row.append(make("span", {}, one.unit ? `${one.label} (${one.unit})` : one.label));
    const ends = ["least", "most"].map((end) =>
      row.appendChild(make("input", {
        type: "number", step: "any", placeholder: end, "aria-label": `${one.label}, ${end}`, id: `${end}-${one.name}`,
      })));
    ends.forEach((field) => field.addEventListener("input", () => {
      showTargets();
      showMaps();
    }));
    find("targets").append(row);
    return ends;
  });

  function showTargets() {
    const asked = fields.some((ends) => ends.some((field) => field.value !== ""));
    const bounds = fields.map(([least, most]) => [
      least.value === "" ? -Infinity : Number(least.value), most.value === "" ? Infinity : Number(most.value),
    ]);
    const open = bounds.map(([least, most]) => least === -Infinity && most === Infinity);
    const meets = (values) => bounds.every(([least, most], index) =>
      open[index] || (values[index] !== null && values[index] >= least && values[index] <= most));
    const lit = spread.map((one) => asked && meets(one.values));
    const number = lit.filter(Boolean).length;
    const made = asked ? data.samples.filter((one) => meets(one.values)) : [];
    let text = "No target is set.";
    if (asked && !number && !made.length) text = `None of ${spread.length} recipes meets all targets.`;
    if (asked && (number || made.length)) {
      let best = null, least = Infinity;
      spread.forEach((one, k) => {
        const score = lit[k] ? objective(one.values) : Infinity;
        if (score < least) [best, least] = [one, score];
      });
      text = `${number} of ${spread.length} recipes meet all targets (${write((100 * number) / spread.length, 2)} % of the box)`;
      if (best) text += `; best of them ${inputs.map((one, k) => `${one.symbol} ${best.recipe[k].toFixed(1)} %`).join(", ")}`;
      text += made.length ? `. Simulated and within: ${made.slice(0, 8).map((one) => one.label).join(", ")}${made.length > 8 ? " …" : ""}.` : ". No simulated electrode does.";
    }
    find("met").textContent = text;
    find("met").dataset.count = number;
    drawMaps(lit);
  }

  // Maps of the recipes that meet the targets: drawn when a target changes; a slider moves the rings.
  const pairs = inputs.length > 1 ? inputs.flatMap((_, a) => inputs.map((__, b) => [a, b])).filter(([a, b]) => a < b) : [[0, 0]];
  const maps = { ratio: Math.min(3, window.devicePixelRatio || 1), base: make("canvas"), size: 92 };
  const onMap = (k, one) => {
    const [a, b] = pairs[k];
    return [
      8 + k * 106 + (maps.size * (one[a] - inputs[a].low)) / (inputs[a].high - inputs[a].low),
      8 + maps.size - (maps.size * (one[b] - inputs[b].low)) / (inputs[b].high - inputs[b].low),
    ];
  };

  function drawMaps(lit) {
    const pen = maps.base.getContext("2d");
    maps.base.width = 320 * maps.ratio;
    maps.base.height = 132 * maps.ratio;
    pen.scale(maps.ratio, maps.ratio);
    pen.font = "9px system-ui, sans-serif";
    pairs.forEach(([a, b], k) => {
      for (const on of [false, true]) {
        pen.fillStyle = on ? COLOURS.red : "#e1e5ea";
        spread.forEach((one, number) => {
          if (lit[number] !== on) return;
          const [x, y] = onMap(k, one.recipe);
          pen.fillRect(x - 1, y - 1, 2.2, 2.2);
        });
      }
      pen.strokeStyle = "#8c959f";
      pen.strokeRect(8 + k * 106, 8, maps.size, maps.size);
      pen.fillStyle = "#1b1f24";
      pen.fillText(`→ ${inputs[a].symbol} ${inputs[a].low}–${inputs[a].high} %`, 8 + k * 106, 114);
      pen.fillText(`↑ ${inputs[b].symbol} ${inputs[b].low}–${inputs[b].high} %`, 8 + k * 106, 126);
    });
  }

  function showMaps() {
    const canvas = find("maps"), pen = canvas.getContext("2d");
    if (canvas.width !== maps.base.width || canvas.height !== maps.base.height) {
      canvas.width = maps.base.width;
      canvas.height = maps.base.height;
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(maps.base, 0, 0);
    pen.scale(maps.ratio, maps.ratio);
    pen.strokeStyle = COLOURS.blue;
    pen.lineWidth = 2;
    pairs.forEach((_, k) => {
      pen.beginPath();
      pen.arc(...onMap(k, recipe), 4, 0, 2 * Math.PI);
      pen.stroke();
    });
  }

  // The nearest electrode that was simulated.
  let nearest = -1;
  function showNearest() {
    const own = recipe.map((value, k) => value / (inputs[k].high - inputs[k].low));
    let row = -1, least = Infinity;
    for (let at = 0; at < data.samples.length; at++) {
      let far = 0;
      for (let k = 0; k < own.length; k++) far += (placed[k][at] - own[k]) ** 2;
      if (far < least) [row, least] = [at, far];
    }
    if (row < 0) {
      find("near").textContent = "No electrode was made.";
      return;
    }
    if (row === nearest) return;
    nearest = row;
    const best = data.samples[row];
    const named = inputs.map((one, k) => `${one.symbol} ${best.recipe[k].toFixed(1)} %`).join(", ");
    find("near").textContent = `${best.label}: ${named}`;
    find("near").dataset.sample = best.label;
    const there = predict(best.recipe);
    find("nearest").tBodies[0].replaceChildren(...properties.map((one, index) => {
      const row = make("tr");
      const known = best.values[index];
      row.append(make("th", { scope: "row" }, one.label));
      row.append(make("td", {}, known === null ? "–" : withUnit(known, one.unit)));
      row.append(make("td", {}, withUnit(there[index], one.unit)));
      return row;
    }));
    const image = find("picture"), source = data.pictures[best.label];
    image.hidden = !source;
    if (source) {
      image.src = `data:image/jpeg;base64,${source}`;
      image.alt = `Electrode ${best.label}`;
    }
  }

  function refresh() {
    controls.forEach(({ slider, field }, index) => {
      slider.value = recipe[index];
      slider.setAttribute("aria-valuetext", `${recipe[index].toFixed(1)} %`);
      if (document.activeElement !== field) field.value = recipe[index].toFixed(1);
    });
    const values = predict(recipe);
    showPredictions(values);
    showRadar(values);
    showPlane(values);
    showMaps();
    showNearest();
  }

  // The electrode as spheres in a block, drawn pixel by pixel: the nearest surface stays.
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  function unpack(stage) {
    const words = new Uint16Array(bytes(stage.spheres).buffer), count = words.length / 4;
    const spheres = new Float32Array(words.length);
    for (let k = 0; k < count; k++) {
      for (let axis = 0; axis < 4; axis++) {
        spheres[4 * k + axis] = stage.low[axis] + stage.step[axis] * words[4 * k + axis];
      }
    }
    return { title: stage.title, size: stage.size, spheres, phase: bytes(stage.phase), count };
  }

  const view = { azimuth: 0.6, elevation: 0.4, turning: false, stages: (data.structure || []).map(unpack) };

  function drawSolid() {
    const stage = view.stages[Number(find("stage").value) || 0], canvas = find("view");
    const wide = 440, tall = 380, pen = canvas.getContext("2d", { willReadFrequently: true });
    canvas.width = wide;
    canvas.height = tall;
    const [sx, sy, sz] = stage.size, slab = 0.05 * sx;
    const block = [sx * (1 - Number(find("cut").value) / 100), sy, sz];
    const ca = Math.cos(view.azimuth), sa = Math.sin(view.azimuth);
    const ce = Math.cos(view.elevation), se = Math.sin(view.elevation);
    const right = [-sa, ca, 0], ahead = [-ce * ca, -ce * sa, -se], up = [-se * ca, -se * sa, ce];
    const middle = [sx / 2, sy / 2, sz / 2];
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const pixel = Math.hypot(sx, sy, sz) / (0.94 * Math.min(wide, tall));
    const u0 = dot(middle, right) - (wide / 2) * pixel, v0 = dot(middle, up) + (tall / 2) * pixel;
    const depth = new Float32Array(wide * tall).fill(Infinity);
    const owner = new Int32Array(wide * tall).fill(-1);
    const cut = new Uint8Array(wide * tall);
    const enter = new Float32Array(wide * tall), leave = new Float32Array(wide * tall);
    function cross(low, high) {
      for (let i = 0; i < tall; i++) {
        const v = v0 - (i + 0.5) * pixel;
        for (let j = 0; j < wide; j++) {
          const u = u0 + (j + 0.5) * pixel;
          let near = -Infinity, far = Infinity;
          for (let axis = 0; axis < 3; axis++) {
            const start = u * right[axis] + v * up[axis];
            if (Math.abs(ahead[axis]) < 1e-9) {
              if (start < low[axis] || start > high[axis]) near = Infinity;
              continue;
            }
            const one = (low[axis] - start) / ahead[axis], two = (high[axis] - start) / ahead[axis];
            near = Math.max(near, Math.min(one, two));
            far = Math.min(far, Math.max(one, two));
          }
          enter[i * wide + j] = near;
          leave[i * wide + j] = far;
        }
      }
    }
    cross([0, 0, 0], block);
    const { spheres } = stage;
    for (let k = 0; k < stage.count; k++) {
      const centre = [spheres[4 * k], spheres[4 * k + 1], spheres[4 * k + 2]], r = spheres[4 * k + 3];
      const u = dot(centre, right), v = dot(centre, up), w = dot(centre, ahead);
      const top = Math.max(0, Math.floor((v0 - v - r) / pixel)), end = Math.min(tall, Math.ceil((v0 - v + r) / pixel) + 1);
      for (let i = top; i < end; i++) {
        const down = v0 - (i + 0.5) * pixel - v, width = r * r - down * down;
        if (width <= 0) continue;
        const reach = Math.sqrt(width);
        const first = Math.max(0, Math.floor((u - reach - u0) / pixel)), last = Math.min(wide, Math.ceil((u + reach - u0) / pixel) + 1);
        for (let j = first; j < last; j++) {
          const aside = u0 + (j + 0.5) * pixel - u, square = width - aside * aside;
          if (square <= 0) continue;
          const half = Math.sqrt(square), at = i * wide + j, near = Math.max(w - half, enter[at]);
          if (near < Math.min(w + half, leave[at]) && near < depth[at]) {
            depth[at] = near;
            owner[at] = k;
            cut[at] = near > w - half ? 1 : 0;
          }
        }
      }
    }
    const front = Float32Array.from(enter);
    cross([0, 0, -slab], [sx, sy, 0]);
    for (let at = 0; at < depth.length; at++) {
      if (enter[at] < leave[at] && enter[at] < depth[at]) {
        depth[at] = enter[at];
        owner[at] = -2;
        cut[at] = 1;
      }
    }
    const image = pen.createImageData(wide, tall), light = [0, 1, 2].map((axis) => -0.45 * right[axis] + 0.65 * up[axis] - 0.62 * ahead[axis]);
    const tones = { 1: [230, 159, 0], 2: [86, 180, 233] };
    for (let i = 0; i < tall; i++) {
      for (let j = 0; j < wide; j++) {
        const at = i * wide + j, k = owner[at];
        let tone = [255, 255, 255], shade = 1;
        if (k !== -1) {
          tone = k === -2 ? [184, 184, 184] : tones[stage.phase[k]];
          if (cut[at]) shade = k === -2 ? 0.92 : 0.8;
          else {
            const u = u0 + (j + 0.5) * pixel, v = v0 - (i + 0.5) * pixel;
            let slope = 0;
            for (let axis = 0; axis < 3; axis++) {
              const point = u * right[axis] + v * up[axis] + depth[at] * ahead[axis];
              slope += (light[axis] * (point - spheres[4 * k + axis])) / spheres[4 * k + 3];
            }
            shade = (0.38 + 0.62 * Math.max(0, slope)) * (1 - 0.55 * Math.min(1, (depth[at] - front[at]) / (0.45 * sx)));
          }
          if ((j && owner[at - 1] !== k) || (i && owner[at - wide] !== k)) shade *= 0.62;
        }
        for (let part = 0; part < 3; part++) image.data[4 * at + part] = tone[part] * shade;
        image.data[4 * at + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
    const length = [50, 20, 10, 5, 2, 1].find((one) => one <= sx / 2) || 1;
    pen.fillStyle = "#1b1f24";
    pen.fillRect(14, tall - 16, length / pixel, 3);
    pen.font = "13px system-ui, sans-serif";
    pen.fillText(`${length} µm`, 18 + length / pixel, tall - 10);
  }

  function turnOn() {
    if (!view.turning) return;
    view.azimuth += 0.012;
    drawSolid();
    window.requestAnimationFrame(turnOn);
  }

  if (view.stages.length) {
    find("solid").hidden = false;
    view.stages.forEach((one, index) => find("stage").append(make("option", { value: index }, one.title)));
    find("stage").value = view.stages.length - 1;
    find("stage").addEventListener("change", drawSolid);
    find("cut").addEventListener("input", drawSolid);
    find("turn").addEventListener("click", () => {
      view.turning = !view.turning;
      find("turn").setAttribute("aria-pressed", String(view.turning));
      find("turn").textContent = view.turning ? "Stop" : "Turn";
      turnOn();
    });
    const rotate = (across, along) => {
      view.azimuth += across;
      view.elevation = Math.min(1.5, Math.max(-0.3, view.elevation + along));
      drawSolid();
    };
    find("view").addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!way) return;
      event.preventDefault();
      rotate(...way);
    });
    let held = null;
    find("view").addEventListener("pointerdown", (event) => {
      held = [event.clientX, event.clientY];
      find("view").setPointerCapture(event.pointerId);
    });
    find("view").addEventListener("pointermove", (event) => {
      if (!held) return;
      rotate(-(event.clientX - held[0]) / 120, (event.clientY - held[1]) / 160);
      held = [event.clientX, event.clientY];
    });
    for (const name of ["pointerup", "pointercancel"]) find("view").addEventListener(name, () => { held = null; });
    drawSolid();
  }

  drawRadar();
  showTargets();
  refresh();
  window.coatline = { predict, interval, objective, setRecipe, recipe, view, plane, drawSolid };
})();

// Draws each plot of the page's data with Chart.js. The numbers and their texts come from the program;
// here is only how they look.
"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const charts = [];
  const markers = ["circle", "triangle", "rect", "rectRot", "star", "crossRot"];
  const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 4]];

  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const narrow = () => window.innerWidth < 600;

  // --- numbers on axes ---------------------------------------------------------------------------

  const sizes = {
    B: [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"], [1, "B"]],
    ns: [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]],
    us: [[1e6, "s"], [1e3, "ms"], [1, "µs"], [1e-3, "ns"]],
  };
  const plain = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

  function axisText(value, unit) {
    if (value === 0) return "0";
    const known = sizes[unit];
    const list = known || plain;
    const [size, name] = list.find(([least]) => Math.abs(value) >= least) || list[list.length - 1];
    const number = Number((value / size).toPrecision(3)).toString();
    return known ? `${number} ${name}` : number + name;
  }

  function axisTitle(plot) {
    const unit = sizes[plot.unit] ? "" : plot.unit;
    const scale = plot.logarithmic ? "logarithmic scale" : "";
    return [unit, scale].filter((part) => part).join(", ");
  }

  function wrapped(text, most) {
    const lines = [""];
    for (const word of text.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + 1 + word.length > most) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    const shown = lines.slice(0, 3).map((line) => (line.length > most ? line.slice(0, most - 1) + "…" : line));
    return shown;
  }

  // --- fills that differ without colour ------------------------------------------------------------

  function hatched(base, which) {
    if (which === 0) return base;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = base;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = pen.fillStyle = colour("card");
    pen.globalAlpha = 0.55;
    pen.lineWidth = 1.6;
    pen.beginPath();
    if (which === 1) for (const at of [-8, 0, 8]) { pen.moveTo(at, 8); pen.lineTo(at + 8, 0); }
    if (which === 2) { pen.arc(4, 4, 1.6, 0, 7); pen.fill(); pen.beginPath(); }
    if (which === 3) for (const at of [-8, 0, 8]) { pen.moveTo(at, 0); pen.lineTo(at + 8, 8); }
    if (which === 4) { pen.moveTo(0, 4); pen.lineTo(8, 4); }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // --- whiskers and labels -------------------------------------------------------------------------

  function line(pen, points) {
    pen.beginPath();
    points.forEach(([x, y], i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
    pen.stroke();
  }

  function horizontalWhisker(pen, low, high, y) {
    if (high - low < 1) return;
    line(pen, [[low, y], [high, y]]);
    for (const x of [low, high]) line(pen, [[x, y - 4], [x, y + 4]]);
  }

  function verticalWhisker(pen, x, low, high) {
    if (low - high < 1) return;
    line(pen, [[x, low], [x, high]]);
    for (const y of [low, high]) line(pen, [[x - 4, y], [x + 4, y]]);
  }

  function inside(scale, value) {
    const shown = Math.min(Math.max(value, scale.min), scale.max);
    return scale.getPixelForValue(shown);
  }

  // What stands at the end of a bar: its number, kept within the canvas.
  function label(chart, pen, text, x, y) {
    const width = pen.measureText(text).width;
    pen.fillText(text, Math.min(x, chart.width - width - 2), y);
  }

  function cut(pen, text, room) {
    if (pen.measureText(text).width <= room) return text;
    let shown = text;
    while (shown.length > 1 && pen.measureText(`${shown}…`).width > room) shown = shown.slice(0, -1);
    return `${shown.trimEnd()}…`;
  }

  function missing(chart, pen, why, y) {
    const x = chart.scales.x.left + 6;
    pen.fillStyle = colour("soft");
    pen.fillText(cut(pen, `missing: ${why}`, chart.width - x - 4), x, y);
  }

  // On a phone the names stand above the bars, which then have the whole width.
  function names(chart, pen, plot) {
    if (!narrow()) return;
    pen.fillStyle = colour("ink");
    plot.categories.forEach((category, i) => {
      const first = chart.getDatasetMeta(0).data[i];
      pen.fillText(cut(pen, category.name, chart.width - 8), chart.scales.x.left + 2,
                   first.y - Math.max(first.height / 2, 8) - 10);
    });
  }

  // Nothing of a category is there: said once, in the middle of where its bars would be.
  function drawAbsent(chart, pen, plot) {
    plot.categories.forEach((_, i) => {
      if (plot.series.some((one) => typeof one.values[i] !== "string")) return;
      const places = plot.series.map((_one, s) => chart.getDatasetMeta(s).data[i].y);
      const middle = (Math.min(...places) + Math.max(...places)) / 2;
      missing(chart, pen, plot.series[0].values[i], middle);
    });
  }

  // A shape for each series, so that colour is not all that tells them apart.
  function mark(pen, s, x, y) {
    pen.beginPath();
    if (s === 0) pen.arc(x, y, 5, 0, 7);
    else if (s === 1) { pen.moveTo(x, y - 6); pen.lineTo(x + 6, y + 5); pen.lineTo(x - 6, y + 5); }
    else pen.rect(x - 4.5, y - 4.5, 9, 9);
    pen.fill();
  }

  function drawBars(chart, pen, plot) {
    const scale = chart.scales.x;
    drawAbsent(chart, pen, plot);
    plot.series.forEach((series, s) => {
      if (!chart.isDatasetVisible(s)) return;
      series.values.forEach((value, i) => {
        const y = chart.getDatasetMeta(s).data[i].y;
        if (typeof value === "string") {
          if (plot.series.some((one) => typeof one.values[i] !== "string")) missing(chart, pen, value, y);
          return;
        }
        pen.strokeStyle = pen.fillStyle = colour("ink");
        const low = inside(scale, value.low), high = inside(scale, value.high);
        const tip = inside(scale, value.median);
        if (plot.logarithmic) {
          pen.fillStyle = chart.data.datasets[s].solid(i);
          mark(pen, s, tip, y);
        }
        horizontalWhisker(pen, low, high, y);
        pen.fillStyle = colour("ink");
        label(chart, pen, axisText(value.median, plot.unit), Math.max(tip + (plot.logarithmic ? 5 : 0), high) + 6, y);
      });
    });
  }

  function drawStacks(chart, pen, plot) {
    const scale = chart.scales.x;
    drawAbsent(chart, pen, plot);
    plot.categories.forEach((_, i) => {
      let total = 0, low = 0, high = 0, seen = 0, y = 0;
      plot.series.forEach((series, s) => {
        const bar = chart.getDatasetMeta(s).data[i];
        y = bar.y;
        const value = series.values[i];
        if (typeof value === "string" || !chart.isDatasetVisible(s)) return;
        seen += 1;
        total += Math.max(value.median, 0);
        low += value.low;
        high += value.high;
      });
      pen.strokeStyle = pen.fillStyle = colour("ink");
      if (seen === 0) return;
      horizontalWhisker(pen, inside(scale, low), inside(scale, high), y);
      const partly = plot.series.some((one) => typeof one.values[i] === "string");
      // Medians of parts need not add up to the median of their sum, which the text has.
      const measured = seen === plot.series.length && plot.totals && plot.totals[i];
      const text = measured && typeof measured !== "string" ? measured.text : axisText(total, plot.unit);
      label(chart, pen, text + (partly ? " + ?" : ""),
            Math.max(inside(scale, total), inside(scale, high)) + 6, y);
    });
  }

  // Names stand at the ends of their lines, pushed apart where they would overlap.
  function drawLines(chart, pen, plot) {
    const scale = chart.scales.y;
    const ends = [];
    plot.series.forEach((series, s) => {
      if (!chart.isDatasetVisible(s)) return;
      pen.strokeStyle = colour(series.nature);
      let end = null;
      series.values.forEach((value, i) => {
        if (typeof value === "string") return;
        const { x } = chart.getDatasetMeta(s).data[i];
        verticalWhisker(pen, x, inside(scale, value.low), inside(scale, value.high));
        end = { x, y: chart.getDatasetMeta(s).data[i].y, name: series.name, nature: series.nature };
      });
      if (end) ends.push(end);
    });
    if (narrow()) return;
    ends.sort((a, b) => a.y - b.y);
    let last = -Infinity;
    for (const end of ends) {
      const y = Math.max(end.y, last + 16);
      last = y;
      pen.fillStyle = colour(end.nature);
      label(chart, pen, end.name, chart.chartArea.right + 10, y);
    }
  }

  const marks = {
    id: "marks",
    afterDatasetsDraw(chart) {
      const pen = chart.ctx;
      pen.save();
      pen.lineWidth = 1.4;
      pen.font = `12.5px ${Chart.defaults.font.family}`;
      pen.textBaseline = "middle";
      const plot = chart.config.options.plot;
      ({ bars: drawBars, stacked: drawStacks, lines: drawLines })[plot.form](chart, pen, plot);
      if (plot.form !== "lines") names(chart, pen, plot);
      pen.restore();
    },
  };

  // --- what Chart.js is told -----------------------------------------------------------------------

  function values(plot) {
    return plot.series.flatMap((one) => one.values).filter((value) => typeof value !== "string");
  }

  function barColours(plot, s) {
    const one = plot.series.length === 1;
    return plot.categories.map((category) => (one ? colour(category.nature) : colour(`part-${(s % 5) + 1}`)));
  }

  function barSet(plot, series, s) {
    const colours = barColours(plot, s);
    const stacked = plot.form === "stacked";
    return {
      label: series.name,
      data: series.values.map((value) => (typeof value === "string" ? null : stacked ? Math.max(value.median, 0) : value.median)),
      backgroundColor: colours.map((one) => (plot.series.length === 1 ? one : hatched(one, s % 5))),
      solid: (i) => colours[i],
      borderColor: colour("card"),
      borderWidth: stacked ? { right: 1 } : 0,
      // On a logarithmic axis a bar has no true length: a thin line leads to the point instead.
      ...(plot.logarithmic ? { maxBarThickness: 3, categoryPercentage: 0.7 } : { barThickness: stacked ? 22 : 15 }),
      minBarLength: stacked ? 0 : 1,
    };
  }

  function lineSet(plot, series, s) {
    return {
      label: series.name,
      data: series.values.map((value, i) => ({ x: plot.categories[i].place, y: typeof value === "string" ? null : value.median })),
      borderColor: colour(series.nature),
      backgroundColor: colour(series.nature),
      pointStyle: markers[s % markers.length],
      borderDash: dashes[s % dashes.length],
      pointRadius: 4.5,
      borderWidth: 2,
      spanGaps: true,
      clip: false,
    };
  }

  // Steps of the axis: 1, 2 or 5 times a power of ten, powers of two for bytes.
  function step(most, unit, count) {
    const rough = most / count;
    if (unit === "B") return 2 ** Math.max(0, Math.ceil(Math.log2(rough)));
    const power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  }

  // The greatest that a bar, a stack or a whisker reaches.
  function greatest(plot) {
    if (plot.form !== "stacked") return Math.max(...values(plot).map((value) => value.high));
    return Math.max(...plot.categories.map((_, i) => plot.series.reduce(
      (sum, one) => sum + (typeof one.values[i] === "string" ? 0 : Math.max(one.values[i].high, 0)), 0)));
  }

  const powerBelow = (value) => 10 ** Math.floor(Math.log10(value * 0.999));
  const powerAbove = (value) => 10 ** Math.ceil(Math.log10(value));

  function valueAxis(plot) {
    const all = values(plot);
    const axis = {
      type: plot.logarithmic ? "logarithmic" : "linear",
      grid: { color: colour("line"), drawBorder: false },
      title: { display: axisTitle(plot) !== "", text: axisTitle(plot), color: colour("soft") },
      ticks: {
        color: colour("soft"),
        maxRotation: 0,
        autoSkipPadding: 16,
        callback: (value) => (!plot.logarithmic || Number.isInteger(Number(Math.log10(value).toFixed(6)))
                              ? axisText(value, plot.unit) : null),
      },
    };
    if (plot.logarithmic) {
      const positive = all.map((value) => value.median).filter((value) => value > 0);
      axis.min = powerBelow(Math.min(...positive));
      axis.max = powerAbove(Math.max(...all.map((value) => value.high)));
      return axis;
    }
    const most = greatest(plot) || 1;
    axis.beginAtZero = true;
    axis.stacked = plot.form === "stacked";
    axis.ticks.stepSize = step(most, plot.unit, narrow() ? 3 : 5);
    axis.max = Math.ceil(most / axis.ticks.stepSize) * axis.ticks.stepSize;
    return axis;
  }

  function nameAxis(plot) {
    return {
      stacked: plot.form === "stacked",
      grid: { display: false, drawBorder: false },
      ticks: {
        color: colour("ink"),
        autoSkip: false,
        display: !narrow(),
        crossAlign: "far",
        callback: (_, i) => wrapped(plot.categories[i].name, 22),
      },
    };
  }

  function placeAxis(plot) {
    const places = plot.categories.map((one) => one.place);
    return {
      type: "logarithmic",
      min: Math.min(...places),
      max: Math.max(...places),
      grid: { color: colour("line"), drawBorder: false },
      ticks: { color: colour("soft"), maxRotation: 0, autoSkipPadding: 10, callback: (value) => axisText(value, plot.placeUnit) },
      afterBuildTicks: (axis) => { axis.ticks = places.map((value) => ({ value })); },
    };
  }

  function tooltip(plot) {
    return {
      callbacks: {
        title: (items) => plot.categories[items[0].dataIndex].name,
        label: (item) => {
          const value = plot.series[item.datasetIndex].values[item.dataIndex];
          const range = `${axisText(value.low, plot.unit)} to ${axisText(value.high, plot.unit)}`;
          return `${item.dataset.label}: ${value.text} (${range})`;
        },
      },
    };
  }

  function legend(plot) {
    return {
      display: plot.series.length > 1,
      position: "top",
      align: "start",
      labels: {
        color: colour("ink"), padding: 12, usePointStyle: plot.form === "lines",
        boxWidth: plot.form === "lines" ? 8 : 16, boxHeight: plot.form === "lines" ? 8 : 12,
      },
    };
  }

  function height(plot) {
    if (plot.form === "lines") return narrow() ? 340 : 440;
    const rows = plot.categories.length * (plot.form === "stacked" ? 1 : plot.series.length);
    const legendRows = plot.series.length > 1 ? (narrow() ? 24 * Math.min(plot.series.length, 3) + 12 : 36) : 0;
    const each = plot.form === "stacked" || plot.series.length === 1 ? (narrow() ? 50 : 38) : 22;
    const gap = plot.series.length > 1 && plot.form === "bars" ? (narrow() ? 26 : 14) : 0;
    return rows * each + plot.categories.length * gap + legendRows + 56;
  }

  function longestName(plot) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `12.5px ${Chart.defaults.font.family}`;
    return Math.max(...plot.series.map((one) => pen.measureText(one.name).width));
  }

  function draw(canvas, plot) {
    canvas.parentElement.style.height = `${height(plot)}px`;
    const lines = plot.form === "lines";
    charts.push(new Chart(canvas, {
      type: lines ? "line" : "bar",
      data: {
        labels: lines ? undefined : plot.categories.map((one) => one.name),
        datasets: plot.series.map((series, s) => (lines ? lineSet : barSet)(plot, series, s)),
      },
      options: {
        plot,
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        indexAxis: lines ? "x" : "y",
        layout: { padding: { right: lines ? (narrow() ? 8 : longestName(plot) + 16) : 66 } },
        interaction: { mode: "nearest", axis: lines ? "xy" : "y", intersect: false },
        scales: lines ? { x: placeAxis(plot), y: valueAxis(plot) } : { x: valueAxis(plot), y: nameAxis(plot) },
        plugins: { legend: legend(plot), tooltip: tooltip(plot) },
      },
      plugins: [marks],
    }));
  }

  function drawAll() {
    for (const chart of charts.splice(0)) chart.destroy();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 12.5;
    for (const plot of plots) draw(document.querySelector(`canvas[data-plot="${plot.id}"]`), plot);
  }

  // --- light and dark ------------------------------------------------------------------------------

  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";

  function nameButton() {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
  }

  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameButton();
    drawAll();
  });
  system.addEventListener("change", () => { nameButton(); drawAll(); });

  // A phone that is turned crosses the line between the two layouts.
  let wasNarrow = narrow();
  window.addEventListener("resize", () => {
    if (narrow() === wasNarrow) return;
    wasNarrow = narrow();
    drawAll();
  });

  // For the test of this page: which canvases have anything on them, and how wide the page is.
  function examine() {
    for (const table of document.querySelectorAll("details")) table.open = true;
    const drawn = [...document.querySelectorAll("canvas")].filter((canvas) => {
      const { width, height: rows } = canvas;
      return width > 0 && rows > 0 &&
        canvas.getContext("2d").getImageData(0, 0, width, rows).data.some((byte) => byte !== 0);
    });
    root.dataset.canvases = String(document.querySelectorAll("canvas").length);
    root.dataset.drawn = String(drawn.length);
    root.dataset.wide = String(root.scrollWidth);
    root.dataset.seen = String(root.clientWidth);
  }

  if (window.location.hash.includes("dark")) root.dataset.theme = "dark";
  if (window.location.hash.includes("light")) root.dataset.theme = "light";
  button.hidden = false;
  nameButton();
  drawAll();
  if (window.location.hash.includes("examine")) requestAnimationFrame(() => requestAnimationFrame(examine));
})();

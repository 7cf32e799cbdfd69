// Bundled with Vega by vl-convert, which gives it `vegaEmbed`.
const options = {
  mode: "vega-lite",
  renderer: "svg",
  // Vega's expressions are interpreted: the page's policy forbids eval.
  ast: true,
  actions: false,
  // The page's own style sheet has what these would add; the policy forbids theirs.
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
};
const charts = JSON.parse(document.getElementById("charts").textContent);
const draw = async ([id, spec]) => {
  const element = document.getElementById(id);
  const config = { axisLeft: { labelLimit: 0.45 * element.clientWidth } };
  await vegaEmbed(element, spec, { ...options, config });
  // The figure around it has a name, and the table the numbers.
  element.querySelector("svg").setAttribute("aria-hidden", "true");
};
document.documentElement.dataset.charts = "drawing";
Promise.all(Object.entries(charts).map(draw)).then(
  () => (document.documentElement.dataset.charts = "drawn"),
  (error) => console.error(error),
);

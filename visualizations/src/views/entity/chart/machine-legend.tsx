/** What the marks of a chart mean. */
export const MachineLegend = () => (
  <p className="chart-legend">
    <span className="legend-active">● active</span>
    <span className="legend-enabled">› may be taken</span>
    <span className="legend-taken">➤ taken last</span>
  </p>
);

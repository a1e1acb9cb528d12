// Draws the upper rows of a dashboard's JSON with Grafana's own components. What Grafana does around them is done here: it asks
// Prometheus, fills in variables and makes frames of the answers. Of the kinds of panels it knows those that stand there.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, FieldConfigOptionsRegistry, FieldType, getDisplayProcessor,
  getFieldConfigWithMinMax, getFieldDisplayName, identityOverrideProcessor, standardFieldConfigEditorRegistry, standardTransformers,
  standardTransformersRegistry, ThemeContext, toDataFrame, transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

// The address says what to draw: the dashboard, the theme, Prometheus' address, the width, the rows of the grid and the seconds.
const asked = new URLSearchParams(location.search);
const width = Number(asked.get('width'));
const rows = Number(asked.get('rows'));
const seconds = Number(asked.get('seconds'));
const theme = createTheme({ colors: { mode: asked.get('theme') } });

const margin = 16, gap = 8, rowHeight = 38; // as in Grafana
const column = (width - 2 * margin + gap) / 24;
const step = Math.max(5, Math.ceil(seconds / 200 / 5) * 5);
const now = Math.floor(Date.now() / 1000 / step) * step;

const chosen = { window: '1h', __rate_interval: '1m', __interval: '1m', __range: `${seconds}s` };
const fill = (text) => text.replace(/\$(\w+)/g, (_, name) => chosen[name] ?? '.*');

async function ask(path, parameters) {
  const response = await fetch(`http://${asked.get('prometheus')}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer.data.result;
}

const ids = (all, more) => all.map((id) => ({
  id: more.isCustom ? `custom.${id}` : id, path: id, name: id, process: identityOverrideProcessor, shouldApply: () => true,
  getItemsCount: () => 0, override: () => null, editor: () => null, ...more,
}));
const standard = ids(['unit', 'decimals', 'min', 'max', 'noValue', 'color', 'mappings', 'thresholds', 'links', 'displayName'], {});
const custom = ids(['width', 'cellOptions', 'lineStyle', 'lineWidth', 'align', 'filterable', 'inspect', 'drawStyle', 'fillOpacity',
  'stacking', 'showPoints', 'spanNulls', 'lineInterpolation', 'thresholdsStyle', 'hideFrom'], { isCustom: true });
const registry = new FieldConfigOptionsRegistry(() => [...standard, ...custom]);
standardFieldConfigEditorRegistry.setInit(() => standard);
const transformers = new Map(Object.values(standardTransformers).map((t) => [t.id, t]));
standardTransformersRegistry.setInit(() => [...transformers.values()].map((t) => (
  { id: t.id, name: t.name, transformation: async () => t, editor: () => null })));

const times = (values) => ({ name: 'Time', type: FieldType.time, values });
const series = (target, of, values) => ({
  name: 'Value', type: FieldType.number, labels: of, values,
  config: { displayNameFromDS: target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => of[label] ?? '') },
});

// ofRange has a frame for each series, with a gap where there is no sample.
async function ofRange(target) {
  const result = await ask('query_range', { query: fill(target.expr), start: now - seconds, end: now, step });
  const at = Array.from({ length: seconds / step + 1 }, (_, i) => now - seconds + i * step);
  return result.map(({ metric, values }) => {
    const known = new Map(values.map(([t, v]) => [t, Number(v)]));
    const numbers = at.map((t) => (Number.isFinite(known.get(t)) ? known.get(t) : null));
    return toDataFrame({ refId: target.refId, fields: [times(at.map((t) => t * 1000)), series(target, metric, numbers)] });
  });
}

// ofNow has a frame for each series, or one with a row for each for a table.
async function ofNow(panel, target) {
  const result = await ask('query', { query: fill(target.expr), time: now });
  if (panel.type !== 'table') {
    return result.map(({ metric, value }) => toDataFrame(
      { refId: target.refId, fields: [times([now * 1000]), series(target, metric, [Number(value[1])])] }));
  }
  const labels = [...new Set(result.flatMap((s) => Object.keys(s.metric)))].sort();
  return [toDataFrame({
    refId: target.refId,
    fields: [
      times(result.map(() => now * 1000)),
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((s) => s.metric[name] ?? '') })),
      {
        name: panel.targets.length > 1 ? `Value #${target.refId}` : 'Value', type: FieldType.number,
        values: result.map((s) => Number(s.value[1])),
      },
    ],
  })];
}

async function load(panel) {
  let frames = (await Promise.all(panel.targets.map((t) => (t.instant ? ofNow(panel, t) : ofRange(t))))).flat();
  if (panel.transformations) {
    frames = await lastValueFrom(transformDataFrame(panel.transformations, frames, { interpolate: (v) => v }));
  }
  frames = applyFieldOverrides({
    data: frames, fieldConfig: panel.fieldConfig, replaceVariables: (v) => v, theme, fieldConfigRegistry: registry, timeZone: 'utc',
  });
  let index = 0;
  for (const field of frames.flatMap((f) => f.fields)) {
    field.config.custom = { ...panel.fieldConfig.defaults.custom, ...field.config.custom };
    field.state = { ...field.state };
    if (field.type === FieldType.number) {
      field.state.seriesIndex = index++;
      field.display = getDisplayProcessor({ field, theme });
    }
  }
  cacheFieldDisplayNames(frames);
  return frames;
}

function Stat({ panel, frames, ...size }) {
  const field = frames[0]?.fields[1] ?? { name: '', type: FieldType.number, values: [null], config: panel.fieldConfig.defaults };
  const display = field.display ?? getDisplayProcessor({ field, theme });
  return <BigValue {...size} value={display(field.values.at(-1))} theme={theme} colorMode={panel.options.colorMode}
    graphMode="none" justifyMode="auto" textMode={panel.options.textMode} />;
}

function Graph({ panel, frames, ...size }) {
  const timeRange = { from: dateTime((now - seconds) * 1000), to: dateTime(now * 1000), raw: { from: '', to: 'now' } };
  return <TimeSeries {...size} frames={frames} structureRev={1} timeRange={timeRange} timeZone="utc" legend={panel.options.legend}
    options={panel.options} />;
}

function Bars({ frames, ...size }) {
  const bars = frames.map((frame) => {
    const field = frame.fields[1];
    return { field, value: { ...field.display(field.values[0]), title: getFieldDisplayName(field, frame, frames) } };
  });
  const draw = ({ value: { field, value }, ...room }) => <BarGauge {...room} theme={theme} orientation="horizontal" value={value}
    field={getFieldConfigWithMinMax(field, false)} display={field.display} itemSpacing={5} displayMode="basic" showUnfilled={false} />;
  return <VizRepeater {...size} source={1} getValues={() => bars} orientation="horizontal" itemSpacing={5} autoGrid minVizHeight={16}
    maxVizHeight={32} minVizWidth={8} renderValue={({ value, width, height }) => draw({ value, width, height })} />;
}

const Cells = ({ panel, frames, ...size }) => <TableNG {...size} data={frames[0]} columnMinWidth={150} resizable cellHeight="sm"
  sortBy={panel.options.sortBy} initialSortBy={panel.options.sortBy} noHeader={false} noValue="" structureRev={1} getActions={() => []} />;

const kinds = { stat: Stat, timeseries: Graph, bargauge: Bars, table: Cells };

function Content({ panel, frames, ...size }) {
  if (panel.type !== 'stat' && !frames[0]?.length) {
    return <p style={{ textAlign: 'center', color: theme.colors.text.secondary }}>{panel.fieldConfig.defaults.noValue}</p>;
  }
  const Kind = kinds[panel.type];
  return <Kind panel={panel} frames={frames} {...size} />;
}

function Panel({ panel }) {
  const [frames, setFrames] = React.useState(null);
  React.useEffect(() => {
    if (panel.type !== 'row') load(panel).then(setFrames, (e) => console.error(`${panel.title}: ${e}`));
  }, [panel]);
  const { x, y, w, h } = panel.gridPos;
  const at = { position: 'absolute', left: margin + x * column, top: gap + y * rowHeight };
  if (panel.type === 'row') {
    return <div style={{ ...at, fontSize: 17, fontWeight: 500, color: theme.colors.text.primary }}>⌄ {panel.title}</div>;
  }
  const size = { width: w * column - gap, height: h * rowHeight - gap };
  return <div style={{ ...at, ...size }}>
    <PanelChrome title={fill(panel.title)} {...size}>
      {(width, height) => frames && <Content panel={panel} frames={frames} width={width} height={height} />}
    </PanelChrome>
  </div>;
}

async function draw() {
  const dashboard = await (await fetch(`dashboards/${asked.get('dashboard')}.json`)).json();
  const shown = dashboard.panels.filter(({ gridPos: { y, h } }) => y + h <= rows);
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width, height: rows * rowHeight + gap, background: theme.colors.background.canvas }}>
        {shown.map((panel) => <Panel key={panel.id} panel={panel} />)}
      </div>
    </ThemeContext.Provider>);
}

draw();

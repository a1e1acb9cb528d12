// Dashboards and rules of kie_exporter as a mixin: grafanaDashboards, prometheusAlerts and prometheusRules, by _config of config.libsonnet.
// They are rendered from marked/, which is generated from dashboards/ and alerts/.
local defaults = (import 'config.libsonnet')._config;
local rules = importstr 'marked/rules.json';
local dashboards = {
  'kie-exporter.json': importstr 'marked/kie-exporter.json',
  'kie-overview.json': importstr 'marked/kie-overview.json',
  'kie-tasks.json': importstr 'marked/kie-tasks.json',
};

// A field that the defaults do not have is a typo, and would change nothing.
local noOthers(where, is, known) =
  local others = std.setDiff(std.objectFieldsAll(is), std.objectFieldsAll(known));
  if others == [] then true else error 'kie_exporter mixin: %s has no %s; there are %s' % [where, std.join(', ', others), std.join(', ', std.objectFieldsAll(known))];

// Each value is of the kind that its default has.
local sameKinds(where, is, known) = std.all([
  if std.type(is[name]) == std.type(known[name]) then true
  else error 'kie_exporter mixin: %s.%s is a %s, and is to be a %s' % [where, name, std.type(is[name]), std.type(known[name])]
  for name in std.objectFieldsAll(known)
]);

local each(where, values, ok, wanted) = std.all([
  if ok(values[name]) then true else error 'kie_exporter mixin: %s.%s is %s, and is to be %s' % [where, name, std.toString(values[name]), wanted]
  for name in std.objectFieldsAll(values)
]);

local isShare(x) = std.isNumber(x) && x > 0 && x < 1;
local has(text, part) = std.strReplace(text, part, '') != text;

local valid(config) =
  noOthers('_config', config, defaults)
  && sameKinds('_config', config, defaults)
  && noOthers('_config.thresholds', config.thresholds, defaults.thresholds)
  && sameKinds('_config.thresholds', config.thresholds, defaults.thresholds)
  && each('_config', { sloTarget: config.sloTarget }, isShare, 'between 0 and 1')
  && each('_config.sloTargetByGroup', config.sloTargetByGroup, isShare, 'between 0 and 1')
  && each('_config.creditsLowByAccount', config.creditsLowByAccount, std.isNumber, 'a number')
  && each('_config.alertLabels', config.alertLabels, std.isString, 'a text')
  && each('_config', { [name]: config[name] for name in ['runbookURL', 'dashboardURL'] }, function(url) has(url, '%s'), 'with a %s in it')
  && each('_config', { selector: config.selector }, function(s) !has(s, '{') && !has(s, '}') && !std.startsWith(s, ',') && !std.endsWith(s, ','), 'matchers with commas between them, without braces')
  && each('_config', { job: config.job }, function(s) s != '' && !has(s, '"') && !has(s, '\\') && !has(s, '{'), 'the name of a job');

// A number as PromQL has it, without the digits that binary fractions add.
local number(x) = '%.12g' % x;

local replaceAll(text, marks) = std.foldl(function(t, mark) std.strReplace(t, mark, marks[mark]), std.objectFields(marks), text);

// The marked JSON with the marks replaced: as one text, which is a hundred times as fast as string by string.
local inJSON(text) = local quoted = std.escapeStringJson(text); std.substr(quoted, 1, std.length(quoted) - 2);
local filled(json, marks) = std.parseJson(replaceAll(json, { [mark]: inJSON(marks[mark]) for mark in std.objectFields(marks) }));

{
  local config = $._config,
  assert valid(config),

  // Within the quotes of a template's printf.
  local quoted = replaceAll(config.selector, { '\\': '\\\\' }),
  local inPrintf = std.strReplace(std.strReplace(quoted, '"', '\\"'), '%', '%%'),
  local marks = {
    '«{selector}»': if config.selector == '' then '' else '{%s}' % config.selector,
    '«selector,»': if config.selector == '' then '' else config.selector + ',',
    '«{quoted selector}»': if config.selector == '' then '' else '{%s}' % inPrintf,
    '«quoted selector,»': if config.selector == '' then '' else inPrintf + ',',
    '«job»': config.job,
    '«sloTarget»': number(config.sloTarget),
    '«creditsLow»': number(config.creditsLow),
  } + { ['«%s»' % name]: number(config.thresholds[name]) for name in std.objectFields(config.thresholds) },

  local alert(rule) = rule {
    labels+: config.alertLabels,
    annotations+: {
      runbook_url: config.runbookURL % rule.alert,
      dashboard: config.dashboardURL % std.strReplace(rule.annotations.dashboard, '/d/', ''),
    },
  },

  local filledRules = filled(rules, marks),

  // Numbers for single groups and accounts, as the recording rules take them.
  local own(record, label, values) = [
    { record: record, expr: 'vector(%s)' % number(values[name]), labels: { [label]: name } }
    for name in std.objectFields(values)
  ],
  local constants =
    own('kie:slo_success:target', 'group', config.sloTargetByGroup)
    + own('kie:credits_low:threshold', 'account', config.creditsLowByAccount),

  grafanaDashboards+:: { [name]: filled(dashboards[name], marks) for name in std.objectFields(dashboards) },

  prometheusAlerts+:: {
    groups+: [
      group { rules: [alert(rule) for rule in group.rules] }
      for group in filledRules.alerts + (if config.singleTaskAlert then filledRules.singleTaskAlerts else [])
    ],
  },

  prometheusRules+:: {
    groups+: [
      if group.name == 'kie_exporter_constants' then group { rules+: constants } else group
      for group in filledRules.rules
    ],
  },
} + (import 'config.libsonnet')

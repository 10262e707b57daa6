import { describe, expect, it } from 'vitest';
import { formatted } from '../../src/cli/format.ts';
import { parseGoTemplate } from '../../src/cli/go-template.ts';

const terminal = { print: () => undefined, warn: () => undefined, colored: false };
const network = {
  name: 'web',
  id: 'f1d674d80003',
  network_interface: null,
  ipv6_enabled: false,
  subnets: [{ subnet: '10.77.0.0/24', gateway: '10.77.0.1' }, { subnet: 'fd00::/64' }],
  labels: { team: 'storage' },
};

describe('a template', () => {
  it.each([
    ['{{.Name}}', 'web'],
    ['{{ .Name }} is {{.ID}}', 'web is f1d674d80003'],
    ['{{.IPv6Enabled}}{{.ipv6_enabled}}', 'falsefalse'],
    ['{{.NetworkInterface}}|', '|'],
    ['{{json .Name}} {{json .NetworkInterface}}', '"web" null'],
    ['{{.Labels}}', '{"team":"storage"}'],
    ['{{.Labels.team}} {{.Labels.nothing}}', 'storage <no value>'],
    ['{{range .Subnets}}{{.Subnet}} {{end}}.', '10.77.0.0/24 fd00::/64 .'],
    ['{{range .Labels}}<{{.}}>{{end}}', '<storage>'],
    ['{{range .NetworkInterface}}never{{end}}', ''],
    ['a\\tb\\n', 'a\tb\n'],
    ['plain words', 'plain words'],
    ['', ''],
  ])('%s', (text, rendered) => expect(parseGoTemplate(text).render(network)).toBe(rendered));

  it('is JSON of all with {{json .}}', () =>
    expect(JSON.parse(parseGoTemplate('{{json .}}').render(network))).toEqual(network));

  it.each([
    ['{{.Nope}}', 'there is no field .Nope; there are .Name, .Id, .NetworkInterface'],
    ['{{if .Name}}x{{end}}', '{{if .Name}} is not understood'],
    ['{{range .Subnets}}x', 'without {{end}}'],
    ['{{end}}', '{{end}} is not understood'],
    ['{{range .Name}}x{{end}}', '.Name is nothing to go through'],
  ])('refuses %s', (text, message) =>
    expect(() => parseGoTemplate(text).render(network)).toThrow(
      expect.objectContaining({ code: 'payload.invalid', message: expect.stringContaining(message) }),
    ),
  );
});

describe('--format', () => {
  it('prints a line for each', () =>
    expect(formatted(terminal, '{{.Name}}\\t{{.ID}}', [network, network])).toBe(
      'web\tf1d674d80003\nweb\tf1d674d80003',
    ));

  it('is a table when it says so, with the heads that podman gives them', () => {
    const heads = { ID: 'NETWORK ID' };
    expect(formatted(terminal, 'table {{.ID}}\\t{{.Name}}', [network], { heads }).split('\n')).toEqual([
      'NETWORK ID    NAME',
      'f1d674d80003  web',
    ]);
    expect(formatted(terminal, 'table {{.Name}}', [network], { heading: false })).toBe('web');
  });

  it('lets no control character of a name through', () =>
    expect(formatted(terminal, '{{.Name}}\\n', [{ name: '\x1b[2J' }])).toBe('\u{fffd}[2J\n'));
});

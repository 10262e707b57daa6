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

describe('P17 a template', () => {
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
    ['{{if .NetworkInterface}}on {{.NetworkInterface}}{{else}}none{{end}}', 'none'],
    ['{{if .IPv6Enabled}}6{{else if eq .Name "web"}}web{{else}}4{{end}}', 'web'],
    ['{{if and .Name (not .IPv6Enabled)}}yes{{end}}', 'yes'],
    ['{{if or .IPv6Enabled (gt (len .Subnets) 1)}}yes{{end}}', 'yes'],
    ['{{with .Labels.nothing}}never{{else}}none{{end}}', 'none'],
    ['{{with index .Subnets 0}}{{.Gateway}}{{end}}', '10.77.0.1'],
    ['{{len .Subnets}} {{len .Name}} {{len .Labels}}', '2 3 1'],
    ['{{index .Labels "team"}}|{{index .Labels "nothing"}}|', 'storage||'],
    ['{{(index .Subnets 1).Subnet}} {{ (index .Subnets 0).Gateway }}', 'fd00::/64 10.77.0.1'],
    ['{{range $key, $value := .Labels}}{{$key}}={{$value}} in {{$.Name}};{{end}}', 'team=storage in web;'],
    ['{{range $i, $s := .Subnets}}{{if $i}}, {{end}}{{$s.Subnet}}{{end}}', '10.77.0.0/24, fd00::/64'],
    ['{{range .Subnets}}{{.Subnet}}{{break}}{{end}}', '10.77.0.0/24'],
    ['{{range .Subnets}}{{if not .Gateway}}{{continue}}{{end}}{{.Gateway}} {{end}}', '10.77.0.1 '],
    ['{{range .NetworkInterface}}x{{else}}none{{end}}', 'none'],
    ['{{$name := .Name}}{{$name}} {{upper $name}}', 'web WEB'],
    ['{{.Name | upper | printf "%-5s|"}}', 'WEB  |'],
    ['{{printf "%s has %d, %q" .Name (len .Subnets) .ID}}', 'web has 2, "f1d674d80003"'],
    ['{{join (split "a,b" ",") "-"}} {{truncate .ID 4}} {{title "bridge"}}', 'a-b f1d6 Bridge'],
    ['{{- .Name -}}  \n {{/* not shown */}}x', 'webx'],
    ['{{"}}"}} {{`{{`}} {{print "\t" 1 true}}', '}} {{ \t1true'],
    ['{{eq .Name "db" "web"}} {{ne .Name "web"}} {{lt 1 2}}', 'true false true'],
    ['', ''],
  ])('P17 the template %s is rendered as in podman', (text, rendered) =>
    expect(parseGoTemplate(text).render(network)).toBe(rendered),
  );

  it('P12 an unknown field is refused with each known field once, as in podman', () => {
    const both = { id: 'a', name: 'b', ID: 'a', Names: 'b', startBy: null };
    expect(() => parseGoTemplate('{{.Nope}}').render(both)).toThrow(
      'there is no field .Nope; known fields: .ID, .Name, .Names, .StartBy',
    );
  });

  it('P17 {{json .}} prints all fields as JSON', () =>
    expect(JSON.parse(parseGoTemplate('{{json .}}').render(network))).toEqual(network));

  it.each([
    ['{{.Nope}}', 'there is no field .Nope; known fields: .Name, .Id, .NetworkInterface'],
    ['{{', '{{ is not closed by }}'],
    ['{{.Name', '{{.Name is not closed by }}'],
    ['{{}}', '{{}} is not understood'],
    ['{{if .Name}}x', '{{if …}} without {{end}}'],
    ['{{if .Name}}x{{else}}y', '{{if …}} without {{end}}'],
    ['{{if}}x{{end}}', '{{if}} is not understood'],
    ['{{else}}', '{{else}} is not understood'],
    ['{{.Name "x"}}', '{{.Name "x"}} is not understood'],
    ['{{.Name | .ID}}', 'is not understood'],
    ['{{(.Name}}', 'a parenthesis is not closed'],
    ['{{.Name)}}', 'is not understood'],
    ['{{shout .Name}}', 'there is no function shout; known functions: json, len'],
    ['{{index .Subnets 7}}', 'index: 7 is out of range, there are 2'],
    ['{{index (index .Labels "x") 0}}', 'index 0: the value has no entries'],
    ['{{$x}}', 'there is no variable $x'],
    ['{{len}}', 'len needs a value'],
    ['{{len 3}}', 'len: 3 has no length'],
    ['{{lt 1 "a"}}', 'cannot be compared'],
    ['{{break}}', '{{break}} outside of {{range}}'],
    ['{{define "x"}}y{{end}}', 'are not supported'],
    ['{{.Name ~ 1}}', '"~ 1" is not understood'],
    ['{{printf "%d"}}', 'there are too few values'],
    ['{{printf "%.101f" 1}}', 'printf: 101 is not from 0 to 100'],
    ['{{printf "%2000000d" 1}}', 'printf: 2000000 is not from 0 to 1000000'],
    ['{{pad .Name "-1" 0}}', 'pad: -1 is not from 0 to 1000000'],
    ['{{range .Subnets}}x', 'without {{end}}'],
    ['{{end}}', '{{end}} is not understood'],
    ['{{range .Name}}x{{end}}', '.Name cannot be iterated'],
  ])('P17 the template %s is refused', (text, message) =>
    expect(() => parseGoTemplate(text).render(network)).toThrow(
      expect.objectContaining({ code: 'payload.invalid', message: expect.stringContaining(message) }),
    ),
  );

  it('an error that is not about the template is thrown as it is', () => {
    const broken = {
      get Name(): string {
        throw new TypeError('broken');
      },
    };
    expect(() => parseGoTemplate('{{.Name}}').render(broken)).toThrow(new TypeError('broken'));
  });
});

describe('--format', () => {
  it('--format prints a line for each element', () =>
    expect(formatted(terminal, '{{.Name}}\\t{{.ID}}', [network, network])).toBe(
      'web\tf1d674d80003\nweb\tf1d674d80003',
    ));

  it("--format prints a table with podman's heads when it begins with table", () => {
    const heads = { ID: 'NETWORK ID' };
    expect(formatted(terminal, 'table {{.ID}}\\t{{.Name}}', [network], { heads }).split('\n')).toEqual([
      'NETWORK ID    NAME',
      'f1d674d80003  web',
    ]);
    expect(formatted(terminal, 'table {{.Name}}', [network], { heading: false })).toBe('web');
  });

  it('--format lets no control character of a name through', () =>
    expect(formatted(terminal, '{{.Name}}\\n', [{ name: '\x1b[2J' }])).toBe('\u{fffd}[2J\n'));
});

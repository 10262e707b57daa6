import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { networkDrivers, optionNames } from '../../src/core/network/options.ts';
import { cli } from './netloom.ts';

const groups = ['container', 'network', 'port', 'node', 'podman'];
const leaves = [
  ...['run', 'ps', 'inspect', 'stats', 'plan', 'reachability', 'daemon', 'events', 'doctor', 'gc'],
  ...['create', 'setup', 'started', 'exited', 'teardown', 'rm', 'ls'].map((verb) => `container ${verb}`),
  ...['create', 'ls', 'inspect', 'exists', 'update', 'connect', 'disconnect', 'reload', 'rm', 'prune'].map(
    (verb) => `network ${verb}`,
  ),
  ...['list', 'publish', 'unpublish'].map((verb) => `port ${verb}`),
  'node info',
  ...['install', 'uninstall', 'status'].map((verb) => `podman ${verb}`),
];

describe('--help', () => {
  it.each(leaves)('--help of %s has examples', async (command) => {
    const { stdout, exitCode } = await cli(...command.split(' '), '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: netloom ${command}`);
    expect(stdout).toMatch(new RegExp(`Examples:\\n(  .*netloom ${command}.*\\n?)+`));
  });

  it.each(leaves.filter((command) => command !== 'daemon' && command !== 'run'))(
    '--help of %s has --json',
    async (command) => expect((await cli(...command.split(' '), '--help')).stdout).toContain('--json'),
  );

  it.each(['', ...groups, ...leaves])('P12 --help of "%s" prints the same as netloom help', async (command) => {
    const words = command.split(' ').filter(Boolean);
    const { stdout, exitCode } = await cli('help', ...words);
    expect({ stdout, exitCode }).toEqual({ stdout: (await cli(...words, '--help')).stdout, exitCode: 0 });
  });

  it('--help of netloom lists every command and the exit codes', async () => {
    const { stdout } = await cli('--help');
    for (const command of leaves) expect(stdout).toContain(command.split(' ')[0]);
    for (const code of [0, 1, 2, 3, 4]) expect(stdout).toMatch(new RegExp(`^  ${code}  \\w`, 'm'));
  });

  it('--help of network create lists the options of each driver', async () => {
    const text = (await cli('network', 'create', '--help')).stdout.replaceAll(/\s+/g, ' ');
    for (const driver of networkDrivers) expect(text).toContain(`${driver}: ${optionNames(driver).join(', ')}`);
    for (const name of ['mtu', 'isolate', 'inbound', 'spoofing', 'accept_ra'])
      expect(optionNames('bridge')).toContain(name);
  });

  it('--help of reachability explains what outside means', async () =>
    expect((await cli('reachability', '--help')).stdout.replaceAll(/\s+/g, ' ')).toContain(
      '"outside" is another machine that reaches this host and has no route to the subnets of containers',
    ));

  it.each(groups)('--help of %s lists its verbs', async (group) => {
    const { stdout } = await cli(group, '--help');
    for (const command of leaves.filter((leaf) => leaf.startsWith(`${group} `)))
      expect(stdout).toMatch(new RegExp(`^  ${command.split(' ')[1]}[ |]`, 'm'));
  });
});

describe('wrong usage', () => {
  it.each([
    ['nothing at all', [], ''],
    ['a group without its verb', ['network'], ''],
    ['an unknown command', ['dance'], "netloom: usage: unknown command 'dance'"],
    ['an unknown option', ['ps', '--loud'], "netloom: usage: unknown option '--loud'"],
    [
      'a missing argument',
      ['inspect'],
      "netloom: usage: missing required argument 'container' (see netloom inspect --help)",
    ],
    ['two filters at once', ['events', '--container', 'a', '--network', 'b'], 'cannot be used with'],
    ['a bad port', ['run', '-p', '70000:80', '--', 'true'], 'netloom: port.invalid: -p 70000:80'],
    ['an id that begins with a dot', ['run', '--id', '.a', '--', 'true'], 'netloom: id.invalid: --id ".a"'],
    ['a node with a wildcard', ['ps', '--node', '*'], 'netloom: name.invalid: --node "*"'],
    ['a set-up of nobody', ['container', 'setup'], 'expected an id or --file'],
    ['an invalid pid', ['container', 'started', 'web', 'x'], 'netloom: payload.invalid: pid x'],
    ['too many workers', ['daemon', '--workers', '1000'], 'netloom: payload.invalid: --workers 1000'],
  ])('wrong usage ends with 2: %s', async (_what, args, words) => {
    const { exitCode, stderr } = await cli(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
  });

  it.each([
    ['an unknown verb', ['dance'], "unknown command 'dance'"],
    ['an unknown option', ['ls', '--loud'], "unknown option '--loud'"],
    ['a label without a value', ['create', 'x', '--label', 'y'], 'expected key=value'],
    ['an option with two values', ['create', 'x', '-o', 'parent=a', '-o', 'parent=b'], '--opt parent is given twice'],
    ['a gateway without a subnet', ['create', 'x', '--gateway', '10.0.0.1'], 'needs a --subnet'],
    ['a range without its end', ['create', 'x', '--subnet', '10.0.0.0/24', '--ip-range', '10.0.0.9'], '<last>'],
    ['a route to an invalid subnet', ['create', 'x', '--route', '10.0.0.9,10.0.0.1'], '"10.0.0.9" is not a subnet'],
    ['a route without a gateway', ['create', 'x', '--route', '10.0.0.0/24'], 'the gateway is missing'],
    ['an unknown filter', ['ls', '--filter', 'constructor=x'], '--filter constructor=x: there is no such filter'],
    ['no filter', ['prune', '--filter', 'x'], 'expected <name>=<value>'],
    ['an invalid pattern', ['ls', '--filter', 'name=('], '--filter name=('],
    ['an invalid boolean', ['ls', '--filter', 'dangling=maybe'], 'expected true or false'],
    ['an update without a change', ['update', 'x'], 'expected --dns-add, --dns-drop or --opt'],
    ['no reload', ['reload'], 'which container?'],
  ])('wrong usage of netloom network ends with 125, as with podman: %s', async (_what, args, words) => {
    const { exitCode, stderr } = await cli('network', ...args);
    expect(exitCode).toBe(125);
    expect(stderr).toContain(words);
  });

  it('wrong usage with --json is reported as JSON', async () => {
    expect(JSON.parse((await cli('ps', '--json', '--loud')).stderr)).toMatchObject({ code: 'usage' });
    expect(JSON.parse((await cli('--json', 'run', '-p', 'x', '--', 'true')).stderr)).toMatchObject({
      code: 'port.invalid',
    });
  });

  it('a --json of the command that netloom run starts is left to the command', async () => {
    expect((await cli('run', '--id', '.a', '--', 'ip', '--json')).stderr).toMatch(/^netloom: id.invalid/);
  });
});

it('--version prints the version of the package', async () => {
  const { version } = createRequire(import.meta.url)('#package.json') as { version: string };
  expect((await cli('--version')).stdout).toBe(version);
});

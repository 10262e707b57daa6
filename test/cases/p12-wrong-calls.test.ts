import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Command, type Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandList, type ListedCommand, type ListedGroup } from '../../src/cli/command-list.ts';
import { cli } from '../cli/netloom.ts';

// In this process, and without a daemon: every call is refused before a request is sent, or reports that no daemon is there.
// A call that is not refused would be a daemon on this host.
vi.mock('../../src/daemon.ts', () => ({
  startDaemon: () => {
    throw new Error('a daemon would have been started');
  },
}));

const directory = mkdtempSync(`${tmpdir()}/netloom-p12-`);
beforeAll(() => {
  process.env.NETLOOM_RUN_DIR = directory;
  for (const name of ['NATS_URL', 'NETLOOM_CREDS', 'NETLOOM_NODE', 'NETLOOM_STATE_DIR']) delete process.env[name];
});
afterAll(() => rmSync(directory, { recursive: true }));

const terminal = { print: () => undefined, warn: () => undefined, colored: false };

interface Leaf {
  words: string[];
  command: Command;
}

async function leavesOf(entries: readonly (ListedCommand | ListedGroup)[], before: string[] = []): Promise<Leaf[]> {
  const found = entries.map(async (entry) => {
    const words = [...before, entry.name];
    if (!('load' in entry)) return leavesOf(entry.commands, words);
    // `run` passes options on, so the program has to distinguish its own from those of its command
    const parent = new Command().enablePositionalOptions();
    const command = parent.command(entry.name).summary(entry.summary);
    (await entry.load())(parent, terminal);
    return [{ words, command }];
  });
  return (await Promise.all(found)).flat();
}

const leaves = await leavesOf(Object.values(commandList).flat());

/** As many arguments as it needs; none of them names an existing thing. */
function argumentsFor({ words, command }: Leaf): string[] {
  const values = command.registeredArguments.filter(({ required }) => required);
  if (words.join(' ') === 'container setup') return ['none'];
  return values.map((argument) => ({ pid: '4711', code: '0', port: '8080:80' })[argument.name()] ?? 'none');
}

/** Terms that no user can be expected to know. */
const raw = [
  /\n/,
  /\bat .*:\d+:\d+/,
  /\bE[A-Z]{4,}\b(?! of )/,
  /zod|commander|undefined|\[object|NaN|Invalid Date|Invalid time value|ERR_/i,
  /Unexpected (token|end)|Invalid regular expression|JSON at position|Cannot read/,
  /TypeError|RangeError|SyntaxError/,
];

/** `network` exits as podman's does, and `run` leaves other codes than that of wrong usage to its command. */
const codeFor = ([group]: string[], code: 2 | 4): number =>
  group === 'network' || (group === 'run' && code === 4) ? 125 : code;

async function expectRefusal(call: string[], codes: number[]): Promise<void> {
  const { stdout, stderr, exitCode } = await cli(...call);
  const shown = `netloom ${call.map((word) => JSON.stringify(word)).join(' ')}: ${stderr}`;
  expect(codes, shown).toContain(exitCode);
  expect(stdout, shown).toBe('');
  expect(stderr, shown).toMatch(/^netloom: [a-z]+(\.[a-z-]+)?: \S.*[^.]$/);
  for (const pattern of raw) expect(stderr, shown).not.toMatch(pattern);
}

const names = leaves.map((leaf) => [leaf.words.join(' '), leaf] as const);

describe('P12 a wrong call is refused in one sentence', () => {
  it('P12 the list of wrong calls has hundreds of entries', () => {
    const options = leaves.flatMap(({ command }) => command.options);
    expect(leaves.length + options.length).toBeGreaterThan(200);
  });

  it.each(names)('P12 %s is refused with an unknown option, and with a misspelt one', async (_name, leaf) => {
    await expectRefusal([...leaf.words, '--perhaps'], [codeFor(leaf.words, 2)]);
    await expectRefusal([...leaf.words, '--jsn'], [codeFor(leaf.words, 2)]);
    await expectRefusal([...leaf.words, '--json=perhaps'], [codeFor(leaf.words, 2)]);
  });

  it.each(names)('P12 %s is refused with too few or too many arguments', async (_name, leaf) => {
    const { command, words } = leaf;
    const needed = argumentsFor(leaf);
    if (command.registeredArguments.some(({ required }) => required)) await expectRefusal(words, [codeFor(words, 2)]);
    if (command.registeredArguments.some(({ variadic }) => variadic)) return;
    const most = command.registeredArguments.length;
    await expectRefusal([...words, ...needed, ...Array(most + 1).fill('much')], [codeFor(words, 2)]);
  });

  it.each(names)('P12 %s is refused with an empty argument', async (_name, leaf) => {
    for (const [index, argument] of leaf.command.registeredArguments.entries()) {
      if (argument.name() === 'args') continue;
      const before = argumentsFor(leaf).slice(0, index);
      const after = argumentsFor(leaf).slice(index + 1);
      await expectRefusal([...leaf.words, ...before, '', ...after], [codeFor(leaf.words, 2)]);
    }
  });

  it.each(names)('P12 %s is refused with options whose value is missing or empty', async (_name, leaf) => {
    for (const option of valued(leaf)) {
      await expectRefusal([...leaf.words, option.long as string], [codeFor(leaf.words, 2)]);
      await expectRefusal(callWith(leaf, option, ''), [codeFor(leaf.words, 2)]);
    }
  });

  it.each(names)('P12 %s is refused with values of another type', async (_name, leaf) => {
    const values = ['99999999999999999999', '-1', '{{', '(', 'a\tb', '/etc/passwd/x', '::', '='];
    for (const option of valued(leaf))
      for (const value of values)
        if (!mayBeMeant(leaf.words, option, value))
          await expectRefusal(callWith(leaf, option, value), [codeFor(leaf.words, 2), codeFor(leaf.words, 4)]);
  });

  it.each([
    [['run', '--', ''], '<command> must not be empty'],
    [['run', '--name', '', '--', 'true'], '--name "": must be 1 to 250 characters'],
    [['container', 'setup', '--name', ''], '--name "": must be 1 to 250 characters'],
    [['daemon', '--run-dir', '/etc/passwd'], '--run-dir /etc/passwd: /etc/passwd is not a directory'],
    [['daemon', '--state-dir', '/etc/passwd/state'], '--state-dir /etc/passwd/state: /etc/passwd is not a directory'],
    [['daemon', '--nats-url', 'no url'], 'invalid NATS URL: expected nats://'],
    [['ps', '--nats-url', ''], '--nats-url must not be empty'],
    [['ps', '--nats-url', 'http://127.0.0.1:4222'], 'invalid NATS URL: its scheme must be nats:// or tls://'],
    [['daemon', '--default-network', ''], '--default-network: "" must be 1 to 250 characters'],
    [['daemon', '--log-level', 'loud'], '--log-level "loud": expected one of trace, debug'],
    [['ps', '--run-dir', '/etc/passwd'], '/etc/passwd is not a directory'],
    [['ps', '--filter', 'status=well'], '--filter status=well: expected one of created'],
    [['ps', '--last', '2', '--latest'], 'cannot be used with'],
    [['podman', 'install', '--config-dir', '/etc/passwd'], '--config-dir /etc/passwd: /etc/passwd is not a directory'],
    [['podman', 'install', '--config-dir', '/nowhere/x'], '--config-dir /nowhere/x: no such directory'],
    [['podman', 'status', '--config-dir', '/nowhere/x'], '--config-dir /nowhere/x: no such directory'],
    [['events', '--since', '99999999999999999999'], '--since 99999999999999999999: a sequence is at most'],
    [['events', '--since', '9999999999999999h'], 'expected a duration (10m)'],
    [['events', '--since', '1h', '--until', '2h'], '--until 2h: is before --since 1h'],
    [
      ['events', '--until', 'all'],
      '--until "all": expected a duration (10m), a time (2026-01-31T12:00:00Z) or a sequence',
    ],
    [['events', '--since', 'x'], 'a time (2026-01-31T12:00:00Z), a sequence or all'],
    [['events', '--follow', '--until', '1h'], '--until 1h: is in the past, so there is nothing to follow'],
    [['events', '--filter', 'event'], '--filter event: expected <name>=<value>'],
    [['ps', '--filter', ''], '--filter "": expected <name>=<value>'],
    [['container', 'create', 'a', '--label', ''], '--label "": expected key=value'],
    [['run', '--add-host', 'foo', '--', 'true'], '--add-host foo: the address is missing; expected <name>:<address>'],
    [['run', '--add-host', '', '--', 'true'], '--add-host "": the name is missing'],
    [['run', '--add-host', ':10.0.0.5', '--', 'true'], '--add-host :10.0.0.5: the name is missing'],
    [['container', 'create', 'a', '--file', '/etc'], '--file: /etc: is a directory'],
    [['events', '--filter', 'event=start'], '--filter event=start: expected one of abandoned, adopted, configured'],
    [['events', '--type', 'pod'], '--type pod: expected container, network, node'],
    [['events', '--format', 'table {{.ID}}'], 'cannot print a table'],
    [['events', '--container', 'a', '--network', 'b'], 'cannot be used with'],
    [['inspect', '-f', '{{', 'web'], '{{ is not closed by }}'],
    [['inspect', '-f', '{{if .Id}}x', 'web'], '{{if …}} without {{end}}'],
    [['inspect', '-f', '{{shout .Id}}', 'web'], 'there is no function shout'],
    [['container', 'setup', 'a', 'b', '--name', 'x'], '--name: cannot be used with several containers'],
    [
      ['container', 'setup', 'a', 'b', '--network', 'w', '-p', '8080:80'],
      '--publish with host port 8080: cannot be used',
    ],
    [['container', 'create'], 'which container? expected an id or --file'],
    [['container', 'create', 'a', '--file', '/nowhere'], '--file: /nowhere: no such file or directory'],
    [['container', 'create', '--file', '/etc/passwd'], '--file: /etc/passwd is not valid JSON'],
    [['container', 'started', 'web', '0'], 'pid 0: expected a number from 1'],
    [['container', 'exited', 'web', '7', '256'], 'code 256: expected a number from 0 to 255'],
    [['stats', '--watch=soon'], '--watch soon: expected seconds'],
    [['reachability', 'host', 'outside'], 'one of them must be a container'],
    [['plan', '--network', 'host', '--network', 'web'], 'cannot be used with another --network'],
    [['plan', '--network', 'web', '--mode', 'none', '-p', 'x'], 'is not a port'],
    [['ps', '--timeout', '0'], '--timeout 0: expected a number from 1'],
    [['dance'], "unknown command 'dance'"],
    [['logs', 'web'], "unknown command 'logs': netloom makes networks; it is not a container engine"],
    [['rm', 'web'], "unknown command 'rm', did you mean netloom container rm?"],
    [['run', '--rm', '-it', 'alpine'], "unknown option '-it': netloom run takes a command of this host, not an image"],
    [['run', '--hostname=web', 'alpine'], 'not an image; it is not a container engine'],
    [['networks'], "unknown command 'networks', did you mean network?"],
    [['container', 'inspect', 'web'], "unknown command 'inspect', did you mean netloom inspect?"],
    [['port', 'web'], "unknown command 'web', did you mean netloom port list web?"],
    [['port', 'lst', 'web'], "unknown command 'lst', did you mean one of list, ls?"],
    [['help', 'dance'], "unknown command 'dance'"],
    [['ps', '--al'], "unknown option '--al', did you mean --all?"],
  ])('P12 the call %j ends with 2 and a reason', async (call, words) => {
    await expectRefusal(call, [2]);
    expect((await cli(...call)).stderr).toContain(words);
  });

  it.each([
    [['ls', '--filter', 'name=('], '"(" is not a valid regular expression'],
    [['ls', '--filter', 'until=99999999999999999999'], 'expected how long ago (24h)'],
    [['inspect', 'web', '--format', '{{'], '{{ is not closed by }}'],
    [['connect', 'web', 'a', 'b', '--ip', '10.89.0.5'], '--ip: cannot be used with several containers'],
    [['create', 'x', '--subnet', ''], '--subnet must not be empty'],
  ])('P12 the call network %j ends with 125, as with podman, and a reason', async (call, words) => {
    await expectRefusal(['network', ...call], [125]);
    expect((await cli('network', ...call)).stderr).toContain(words);
  });

  it('P12 a missing file or object is reported in one sentence, too', async () => {
    expect((await cli('ps', '--nats-url', 'nats://127.0.0.1:1', '--timeout', '500')).stderr).toContain(
      'connection refused',
    );
    expect((await cli('ps')).stderr).toMatch(
      /^netloom: bus\.unreachable: no daemon is running here \(there are no credentials in .*\); start it: netloom daemon, or give a NATS URL$/,
    );
  });

  it('P12 a run directory from the environment that is a file is refused', async () => {
    process.env.NETLOOM_RUN_DIR = '/etc/passwd';
    const { stderr } = await cli('ps').finally(() => {
      process.env.NETLOOM_RUN_DIR = directory;
    });
    expect(stderr).toMatch(/^netloom: bus\.unauthorized: the credentials file \S+ cannot be read: not a directory$/);
  });
});

const valued = ({ command }: Leaf): Option[] => command.options.filter(({ required }) => required);

/** `network prune` asks for confirmation, unless it is forced. */
function callWith(leaf: Leaf, option: Option, value: string): string[] {
  const force = leaf.words.join(' ') === 'network prune' ? ['--force'] : [];
  const end = leaf.words[0] === 'run' ? ['--'] : [];
  return [...leaf.words, ...force, `${option.long}=${value}`, ...end, ...argumentsFor(leaf)];
}

/** The daemon would start, and doctor and podman would inspect this machine. */
function mayBeMeant([group]: string[], { long }: Option, value: string): boolean {
  if (!['daemon', 'doctor', 'podman'].includes(group as string)) return false;
  return !(/-dir$/.test(long as string) && value.startsWith('/etc/passwd'));
}

it.each(['--creds', '--run-dir', '--node', '--nats-url', '--timeout'])(
  'P12 a long value of %s is cut in the message',
  async (option) => {
    const { exitCode, stderr } = await cli(option, 'x'.repeat(70_000), 'ps');
    expect(exitCode).not.toBe(0);
    expect(stderr.length).toBeLessThan(1_500);
  },
);

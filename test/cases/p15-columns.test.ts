import { describe, expect, it } from 'vitest';
import { fittingWidths } from '../../src/cli/columns.ts';
import { commandList } from '../../src/cli/command-list.ts';
import { findingsText } from '../../src/cli/commands/doctor.ts';
import { containerTable, networkTable } from '../../src/cli/describe.ts';
import { bad } from '../../src/cli/doctor/finding.ts';
import { eventLine } from '../../src/cli/event-line.ts';
import { runCli } from '../../src/cli/program.ts';
import { facts, type Terminal, table } from '../../src/cli/terminal.ts';
import type { CloudEvent } from '../../src/contract/cloud-event.ts';
import { fault } from '../../src/core/fault.ts';
import type { ContainerView, NetworkView } from '../../src/core/view.ts';

const wide = (columns?: number): Terminal => ({
  print: () => undefined,
  warn: () => undefined,
  colored: false,
  columns,
});

const pages = Object.values(commandList)
  .flat()
  .flatMap((entry) =>
    'load' in entry ? [entry.name] : [entry.name, ...entry.commands.map(({ name }) => `${entry.name} ${name}`)],
  );

async function help(page: string, columns?: number): Promise<string[]> {
  const printed: string[] = [];
  const terminal = { ...wide(columns), print: (text: string) => void printed.push(text) };
  expect(await runCli([...page.split(' ').filter(Boolean), '--help'], terminal)).toBe(0);
  return printed.join('\n').split('\n');
}

const tooLong = (lines: string[], width: number) => lines.filter((line) => line.length > width);

describe('P15 help fits the terminal', () => {
  it.each(['', ...pages])('P15 "netloom %s --help" has 80 columns where the terminal is unknown', async (page) =>
    expect(tooLong(await help(page), 80)).toEqual([]),
  );

  it.each([60, 100, 132])('P15 every help page is wrapped at words at %d columns', async (columns) => {
    for (const page of ['', ...pages]) {
      const lines = await help(page, columns);
      // neither a word nor a quotation is broken
      const several = lines
        .map((line) => line.replace(/ \\$/, '').replaceAll(/'[^']*'|\[\[\S*/g, '…'))
        .filter((line) => /\S \S/.test(line.trim()));
      expect(tooLong(several, columns), page).toEqual([]);
    }
  });

  it('P15 no word of a help page is broken, and none is lost', async () => {
    const words = async (columns: number) => (await help('network create', columns)).join(' ').split(/\s+(?:\\ +)?/);
    expect(await words(60)).toEqual(await words(500));
  });

  it('P15 an option stands on one line with its value in an example', async () => {
    for (const page of ['run', 'events', 'inspect', 'container create'])
      for (const columns of [60, 80])
        for (const line of await help(page, columns))
          expect(line).not.toMatch(/ --?(ip|mac|name|filter|since|network|p) \\$/);
  });

  it('P15 the description of a long option stands beside the others', async () => {
    const lines = await help('network create', 80);
    const at = lines.findIndex((line) => line.includes('--route <destination,gateway[,metric]>'));
    expect(lines[at + 1]).toMatch(/^ {28}\S/);
  });
});

const long = (digit: string) => digit.repeat(64);

const container = (more: Partial<ContainerView> = {}): ContainerView => ({
  id: long('a'),
  name: 'web',
  mode: 'bridge',
  state: 'configured',
  netns: { path: '/run/netns/netloom-web', inode: 1 },
  pid: null,
  attachments: ['front', 'back'].map((network, slot) => ({
    network,
    slot,
    interfaceName: `eth${slot}`,
    staticIps: [],
    staticMac: null,
    aliases: [],
  })),
  status: {
    front: {
      interfaces: { eth0: { mac_address: '', subnets: [{ ipnet: '10.89.0.2/24' }, { ipnet: 'fd00:89::2/64' }] } },
      dns_server_ips: [],
      dns_search_domains: [],
    },
  },
  ports: [8080, 8443].map((hostPort) => ({ protocol: 'tcp', hostIp: null, hostPort, containerPort: 80, range: 1 })),
  removeOnExit: false,
  labels: {},
  owner: null,
  exitCode: null,
  startBy: null,
  lastFault: null,
  created: new Date(Date.now() - 180_000).toISOString(),
  ...more,
});

const cloudEvent = {
  specversion: '1.0',
  id: 'epoch.1',
  source: '/netloom/here/container/web',
  datacontenttype: 'application/json',
  sequence: '0000000000000001',
} as const;

const network = (more: Partial<NetworkView> = {}) =>
  ({
    id: long('b').slice(0, 12),
    name: 'front',
    driver: 'bridge',
    state: 'defined',
    network_interface: 'netloom0',
    subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd7a:115c:a1e0::/64' }],
    leases: {},
    internal: true,
    ...more,
  }) as unknown as NetworkView;

describe('P15 tables fit the terminal', () => {
  it('P15 ps is wrapped at words, within its columns', () => {
    const lines = containerTable(wide(80), [container()]).split('\n');
    expect(tooLong(lines, 80)).toEqual([]);
    expect(lines.length).toBeGreaterThan(2);
    const text = lines.join(' ');
    for (const word of ['aaaaaaaaaaaa', 'front,', 'back', '10.89.0.2,', 'fd00:89::2', '8080->80/tcp,', '8443->80/tcp'])
      expect(text).toContain(word);
  });

  it('P15 a narrow table is not wrapped, nor one whose IDs are requested in full', () => {
    expect(containerTable(wide(200), [container()]).split('\n')).toHaveLength(2);
    expect(containerTable(wide(), [container()], { trunc: false }).split('\n')).toHaveLength(2);
  });

  it('P15 network ls is wrapped at words, within its columns', () => {
    const lines = networkTable(wide(), [network()]).split('\n');
    expect(tooLong(lines, 80)).toEqual([]);
    for (const word of ['10.89.0.0/24,', 'fd7a:115c:a1e0::/64', 'internal']) expect(lines.join(' ')).toContain(word);
    expect(networkTable(wide(), [network({ internal: false, subnets: [] })]).split('\n')).toHaveLength(2);
  });

  it('P15 the widest columns shrink, down to their longest words', () => {
    const rows = [
      ['ID', 'WHY'],
      ['one', 'it is so because of a reason that is long'],
    ];
    expect(fittingWidths(rows, 80)).toBeNull();
    expect(fittingWidths(rows, 25)).toEqual([3, 20]);
    expect(fittingWidths(rows, 5)).toEqual([3, 7]);
    expect(table(wide(25), rows[0] as string[], rows.slice(1)).split('\n')).toEqual([
      'ID   WHY',
      'one  it is so because of',
      '     a reason that is',
      '     long',
    ]);
  });

  it('P15 ps keeps CREATED on one line beside generated IDs', () => {
    const id = 'd5f26ccd4e13';
    const [attachment] = container().attachments;
    const generated = container({
      id,
      name: id,
      state: 'running',
      attachments: attachment ? [attachment] : [],
      ports: container().ports.slice(0, 1),
    });
    const lines = containerTable(wide(80), [generated]).split('\n');
    expect(tooLong(lines, 80)).toEqual([]);
    expect(lines[1]).toMatch(/^d5f26ccd4e13 +d5f26ccd4e13 +3m ago +running +front /);
    const others = containerTable(wide(120), [generated]).split('\n');
    expect(others[1]).toMatch(/^d5f26ccd4e13 +d5f26ccd4e13 +3 minutes ago +running /);
    const piped = containerTable(wide(), [generated]).split('\n');
    expect(piped[1]).toMatch(/^d5f26ccd4e13 +d5f26ccd4e13 +3 minutes ago +running /);
  });

  it('P15 names that are too long for a terminal are broken there, and never otherwise', () => {
    const name = 'a-name-that-is-longer-than-a-column-of-a-terminal-has-room-for';
    const long = container({ id: name, name });
    const lines = containerTable(wide(100), [long]).split('\n');
    expect(tooLong(lines, 100)).toEqual([]);
    const ids = lines.slice(1).map((line) => line.split(/ {2,}/)[0]);
    expect(ids.join('')).toBe(name);
    expect(containerTable(wide(), [long])).toContain(`${name}  ${name}`);
  });

  it('P15 facts, events and findings are wrapped below their beginning at a terminal, and never otherwise', () => {
    const why = 'the container must not use a neighbour as a router, whatever it announces on the link';
    const known = facts(wide(60), [
      ['State', 'running'],
      ['Settings', [`net.ipv6.conf.eth0.accept_ra=0  ${why}`, 'b']],
    ]);
    expect(tooLong(known.split('\n'), 60)).toEqual([]);
    expect(known.split('\n')[2]).toMatch(/^ {10}\S/);
    expect(facts(wide(), [['Settings', why.repeat(2)]])).not.toContain('\n');

    const findings = [bad('Kernel settings', why, why)];
    expect(tooLong(findingsText(wide(60), findings).split('\n'), 60)).toEqual([]);
    expect(findingsText(wide(), findings).split('\n')).toHaveLength(4);

    const event: CloudEvent = {
      ...cloudEvent,
      type: 'dev.netloom.container.failed',
      subject: 'web',
      time: '2026-01-31T12:00:00Z',
      data: { state: 'failed', fault: fault('port.taken', why) },
    };
    const line = (columns?: number) => eventLine(wide(columns), event).split('\n');
    expect(tooLong(line(80), 80)).toEqual([]);
    expect(line(80).length).toBeGreaterThan(1);
    expect(line()).toHaveLength(1);
    expect(line(80).join(' ').replaceAll(/ +/g, ' ')).toBe(line()[0]?.replaceAll(/ +/g, ' '));
  });

  it('P15 names in other scripts are not cut off', () => {
    const text = table(wide(30), ['NAME', 'WHY'], [['容器容器容器', 'it has a name in another script']]);
    expect(text).toContain('容器容器容器');
    expect(text).not.toContain('…');
  });
});

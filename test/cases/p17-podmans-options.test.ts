import type { Result } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, netloom } from '../cli/netloom.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;
let daemon: TestDaemon;

beforeAll(async () => {
  lab = await Lab.open();
  ({ daemon } = lab);
  await lab.client.network.create({ name: 'front' });
  await lab.client.network.create({ name: 'back' });
  for (const id of ['web1', 'web2']) await lab.client.container.setup({ id, networks: [{ network: 'front' }] });
  await lab.client.container.setup({ id: 'c0ffee'.padEnd(64, '0'), name: 'db', networks: [{ network: 'back' }] });
  await lab.client.container.create({ id: 'later', networks: [{ network: 'back' }] });
  await lab.client.network.create({ name: 'tiny', subnets: [{ subnet: '10.99.0.0/30' }] });
  const [first, second] = ['full1', 'full2'].map((id) => ({ id, networks: [{ network: 'tiny' }] }));
  await lab.client.container.setup(first as { id: string });
  await lab.client.container.setup(second as { id: string }).catch(() => undefined);
});
afterAll(() => lab.close());

const call = (...args: string[]) => netloom(daemon, args);
const lines = async (...args: string[]) => (await call(...args)).stdout.split('\n').filter(Boolean);

describe('P17 ps', () => {
  it('P17 ps shows containers that are up, and all with -a', async () => {
    expect(await lines('ps', '-q')).toEqual(expect.arrayContaining(['web1', 'web2', 'c0ffee000000', 'full1']));
    expect(await lines('ps', '-q')).toHaveLength(4);
    expect(await lines('ps', '-qa')).toEqual(expect.arrayContaining(['later', 'full2']));
    expect(await lines('ps', '-a', '--filter', 'status=created', '--format', '{{.Names}} {{.State}}')).toEqual([
      'later created',
    ]);
    expect(await lines('container', 'list', '-qa')).toEqual(await lines('ps', '-qa'));
  });

  it('P17 ps shows when containers were created, also after a restart of the daemon', async () => {
    expect((await lines('ps'))[0]).toMatch(/^ID +NAME +CREATED +STATE +NETWORKS +ADDRESSES +PORTS$/);
    const [created] = await lines('ps', '--filter', 'name=web1', '--format', '{{.CreatedAt}}');
    expect(Date.parse(created as string)).toBeGreaterThan(Date.now() - 600_000);
    await lab.restart('kill');
    expect(await lines('ps', '--filter', 'name=web1', '--format', '{{.CreatedAt}}')).toEqual([created]);
    await lab.client.container.teardown({ id: 'web1' });
    await lab.client.container.setup({ id: 'web1' });
    expect(await lines('ps', '--filter', 'name=web1', '--format', '{{.CreatedAt}}')).toEqual([created]);
  });

  it('P17 ps accepts filters, templates and numbers', async () => {
    expect(await lines('ps', '-q', '--filter', 'network=back')).toEqual(['c0ffee000000']);
    expect(await lines('ps', '-q', '--no-trunc', '--filter', 'id=c0ffee')).toEqual(['c0ffee'.padEnd(64, '0')]);
    expect(await lines('ps', '-n', '1', '-q')).toEqual(['full2']);
    expect(await lines('ps', '-q', '--filter', 'since=web1', '--filter', 'before=db')).toEqual(['web2']);
    expect(await lines('ps', '--noheading', '--filter', 'name=web2')).toHaveLength(1);
    expect(await lines('ps', '--filter', 'name=web2', '--format', 'table {{.ID}}\t{{.Networks}}')).toEqual([
      'CONTAINER ID  NETWORKS',
      'web2          front',
    ]);
    expect(JSON.parse((await call('ps', '--format', 'json', '--filter', 'name=db')).stdout)).toMatchObject([
      { name: 'db' },
    ]);
    expect(JSON.parse((await call('ps', '--json')).stdout).containers).toHaveLength(4);
  });
});

describe('P17 inspect', () => {
  it('P17 inspect accepts several IDs, and shows the others beside an unknown one', async () => {
    expect(await lines('inspect', 'web1', 'db', '-f', '{{.Name}}')).toEqual(['web1', 'db']);
    const some = await call('inspect', 'web1', 'nobody', 'db', '-f', '{{.Name}}');
    expect(some).toMatchObject({
      exitCode: 3,
      stdout: 'web1\ndb',
      stderr: 'netloom: container.unknown: no container nobody',
    });
    expect(JSON.parse((await call('inspect', 'web1', 'db', '--format', 'json')).stdout)).toHaveLength(2);
    expect(JSON.parse((await call('inspect', 'web1', 'db', '--json')).stdout)).toHaveLength(2);
    expect(JSON.parse((await call('inspect', 'web1', '--json')).stdout)).toMatchObject({ container: { id: 'web1' } });
    expect((await call('inspect', 'web1', 'db')).stdout).toMatch(/^Container +web1\n[\s\S]*\n\nContainer +c0ffee/);
  });

  it('P17 inspect accepts the usual templates of podman', async () => {
    const one = async (format: string) => (await call('inspect', '-f', format, 'web2')).stdout;
    expect(await one('{{index .NetworkSettings.Networks "front" | json}}')).toContain('"IPAddress"');
    expect(await one('{{(index .NetworkSettings.Networks "front").IPAddress}}')).toMatch(/^10\.89\./);
    expect(await one('{{range $name, $on := .NetworkSettings.Networks}}{{$name}}={{$on.IPAddress}} {{end}}')).toMatch(
      /^front=10\.89\.\d+\.\d+ $/,
    );
    expect(await one('{{if .Pid}}{{.Pid}}{{else}}none{{end}} {{len .Attachments}}')).toBe('none 1');
  });
});

describe('P17 events', () => {
  it('P17 events are filtered by kind, fact and place', async () => {
    const facts = await lines('events', '--since', 'all', '--type', 'container', '--format', '{{.ID}} {{.Status}}');
    expect(facts).toContain('web2 configured');
    expect(facts).toContain('full2 failed');
    const filters = ['--filter', 'event=failed', '--filter', 'event=created'];
    expect(
      await lines('events', '--since', 'all', '--filter', 'container=full2', ...filters, '--format', '{{.Status}}'),
    ).toEqual(['created', 'failed']);
    expect(
      (await lines('events', '--since', 'all', '--filter', 'type=network', '--format', '{{.Type}}')).every(
        (kind) => kind === 'network',
      ),
    ).toBe(true);
  });

  it('P17 events end at --until, in the past and in the future', async () => {
    const all = (await lines('events', '--since', 'all', '--json')).map((line) => JSON.parse(line));
    const third = all[2];
    expect(await lines('events', '--since', 'all', '--until', `${third.streamsequence}`, '--json')).toHaveLength(3);
    const until = (await lines('events', '--since', 'all', '--until', third.time, '--json')).map((line) =>
      JSON.parse(line),
    );
    expect(until.at(-1).time <= third.time).toBe(true);
    expect(until.map(({ id }) => id)).toEqual(all.filter(({ time }) => time <= third.time).map(({ id }) => id));
    // a busy machine may start the command only after that moment, and it is refused then
    const followUntilSoon = async (aheadMs: number): Promise<Result> => {
      const soon = new Date(Date.now() + aheadMs).toISOString();
      const ended = await launch(daemon, ['events', '--follow', '--since', 'all', '--until', soon, '--json']);
      return String(ended.stderr).includes('is in the past') ? followUntilSoon(2 * aheadMs) : ended;
    };
    const { stdout, exitCode } = await followUntilSoon(1_500);
    expect(exitCode).toBe(0);
    expect(String(stdout).split('\n').length).toBeGreaterThanOrEqual(all.length);
    const place = ['--until', `${all.length}`, '--follow', '--since', 'all', '--json'];
    const { stdout: upTo } = await launch(daemon, ['events', ...place]);
    expect(String(upTo).split('\n')).toHaveLength(all.length);
  });
});

import { describe, expect, it } from 'vitest';
import { selected } from '../../src/cli/commands/ps.ts';
import { containerFilters } from '../../src/cli/container-filters.ts';
import { agoText } from '../../src/cli/duration.ts';
import { eventFilters, subscriptionOf } from '../../src/cli/event-filters.ts';
import type { CloudEvent } from '../../src/client.ts';
import { type ContainerState, type ContainerView, containerStates } from '../../src/core/view.ts';
import { containerViewOf } from '../core/samples.ts';

const now = Date.parse('2026-01-31T12:00:00Z');

const container = (id: string, state: ContainerState, more: Partial<ContainerView> = {}): ContainerView =>
  containerViewOf({ id, state, ...more });

const on = (network: string) => ({
  attachments: [{ network, slot: 0, interfaceName: 'eth0', staticIps: [], staticMac: null, aliases: [] }],
});
const at = (time: string) => ({ created: `2026-01-31T${time}:00Z` });

const containers = [
  container('web1', 'running', { ...on('front'), ...at('10:00'), labels: { tier: 'front', team: 'web' } }),
  container('web2', 'configured', { ...on('front'), ...at('11:00'), labels: { tier: 'front' } }),
  container('db', 'degraded', { ...on('back'), ...at('09:00'), name: 'database' }),
  container('old', 'exited', { ...at('08:00'), exitCode: 3 }),
  container('new', 'created', at('11:59')),
  container('bad', 'failed'),
];
const ids = (options: Parameters<typeof selected>[1]) => selected(containers, options).map(({ id }) => id);
const filtered = (...texts: string[]) => ids({ all: true, filter: texts.map(containerFilters.parse) });

describe('P17 ps', () => {
  it('P17 ps shows containers that are configured, running or degraded, and all of them with --all', () => {
    expect(ids({})).toEqual(['web1', 'web2', 'db']);
    expect(ids({ all: true })).toEqual(containers.map(({ id }) => id));
    const each = containerStates.map((state) => container(state, state));
    expect(selected(each, {}).map(({ id }) => id)).toEqual(['configured', 'running', 'degraded']);
  });

  it('P17 ps includes all containers where states or the last created ones are requested', () => {
    expect(ids({ filter: [containerFilters.parse('status=failed')] })).toEqual(['bad']);
    expect(ids({ filter: [containerFilters.parse('exited=3')] })).toEqual(['old']);
    expect(ids({ last: 2 })).toEqual(['web2', 'new']);
    expect(ids({ latest: true })).toEqual(['new']);
    expect(ids({ last: 1, filter: [containerFilters.parse('network=front')] })).toEqual(['web2']);
  });

  it.each([
    [['id=web1'], ['web1']],
    [['id=we'], ['web1', 'web2']],
    [
      ['id=^db$', 'id=old'],
      ['db', 'old'],
    ],
    [['name=data'], ['db']],
    [
      ['name=^web[12]$', 'network=front'],
      ['web1', 'web2'],
    ],
    [
      ['status=exited', 'status=failed'],
      ['old', 'bad'],
    ],
    [['network=back'], ['db']],
    [['label=tier'], ['web1', 'web2']],
    [['label=tier=front', 'label=team=web'], ['web1']],
    [['label!=team'], ['web2', 'db', 'old', 'new', 'bad']],
    [['until=2026-01-31T09:30:00Z'], ['db', 'old']],
    [['since=web1'], ['web2', 'new']],
    [['before=db'], ['old']],
    [['before=database', 'status=exited'], ['old']],
    [['exited=3'], ['old']],
    [['exited=0'], []],
    [['name=nobody'], []],
  ])('P17 ps --filter %j selects the matching containers', (texts, found) => expect(filtered(...texts)).toEqual(found));

  it.each([
    ['color=red', '--filter color=red: there is no such filter'],
    ['name', 'expected <name>=<value>'],
    ['name=(', 'is not a valid regular expression'],
    ['status=well', 'expected one of created'],
    ['label=', 'expected label=<key>'],
    ['exited=well', 'expected an exit code'],
    ['until=soon', 'expected how long ago'],
  ])('P17 ps --filter %s is refused', (text, words) =>
    expect(() => containerFilters.parse(text)).toThrow(
      expect.objectContaining({ code: 'payload.invalid', message: expect.stringContaining(words) }),
    ),
  );

  it('P17 ps --filter since= with an unknown container is refused', () =>
    expect(() => filtered('since=nobody')).toThrow(expect.objectContaining({ code: 'container.unknown' })));

  it.each([
    [0.4, '0 seconds ago'],
    [-5, '0 seconds ago'],
    [1, '1 second ago'],
    [59, '59 seconds ago'],
    [60, '1 minute ago'],
    [180, '3 minutes ago'],
    [3600, '1 hour ago'],
    [7200, '2 hours ago'],
    [3 * 86_400, '3 days ago'],
    [21 * 86_400, '3 weeks ago'],
  ])('P17 ps shows CREATED after %d s as %s', (seconds, text) =>
    expect(agoText(new Date(now - seconds * 1000).toISOString(), now)).toBe(text),
  );
});

describe('P17 events', () => {
  const event = (noun: string, subject: string, fact: string) =>
    ({ type: `dev.netloom.${noun}.${fact}`, subject }) as CloudEvent;
  const events = [
    event('container', 'web', 'configured'),
    event('container', 'web', 'failed'),
    event('container', 'db', 'failed'),
    event('network', 'web', 'failed'),
    event('node', 'here', 'serving'),
  ];
  const matching = (...texts: string[]) => {
    const filters = texts.map(eventFilters.parse);
    return events.filter((each) => eventFilters.match(each, filters)).map((each) => events.indexOf(each));
  };

  it.each([
    [['type=container'], [0, 1, 2]],
    [
      ['type=network', 'type=node'],
      [3, 4],
    ],
    [['event=failed'], [1, 2, 3]],
    [
      ['event=failed', 'type=container'],
      [1, 2],
    ],
    [['container=web'], [0, 1]],
    [
      ['container=web', 'container=db', 'event=failed'],
      [1, 2],
    ],
    [['network=web'], [3]],
    [['network=web', 'container=web'], []],
  ])('P17 events --filter %j selects the matching events', (texts, found) => expect(matching(...texts)).toEqual(found));

  it('P17 a filter for one container or one kind is applied by the server already', () => {
    const subscription = (...texts: string[]) => subscriptionOf(texts.map(eventFilters.parse));
    expect(subscription('container=web', 'event=failed')).toEqual({ noun: 'container', id: 'web' });
    expect(subscription('type=network')).toEqual({ noun: 'network' });
    expect(subscription('container=web', 'network=web')).toEqual({});
    expect(subscription('type=network', 'type=node')).toEqual({});
  });
});

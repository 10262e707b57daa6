import { describe, expect, it } from 'vitest';
import { cloudEventOf, eventText } from '../../src/cli/event-line.ts';
import { cloudEvent } from '../../src/contract/cloud-event.ts';
import type { OutboxRecord } from '../../src/contract/outbox.ts';

const terminal = { print: () => undefined, warn: () => undefined, colored: false };

const record = (more: Partial<OutboxRecord>): OutboxRecord => ({
  sequence: 17,
  source: 'container/web',
  fact: 'configured',
  data: { state: 'configured', ports: [] },
  time: '2026-01-31T12:00:00.123Z',
  ...more,
});

const required = ['id', 'source', 'specversion', 'type'];
const texts = [...required, 'subject', 'time', 'datacontenttype', 'sequence'];

/** The requirements of CloudEvents 1.0 for an event in JSON (spec.md 3, json-format.md 2 and 3.1). */
function faultsOf(event: Record<string, unknown>): string[] {
  const { data: _, ...attributes } = event;
  const names = Object.keys(attributes);
  return [
    ...names
      .filter((name) => !/^[a-z0-9]{1,20}$/.test(name))
      .map((name) => `${name}: not lower-case letters and digits`),
    ...required.filter((name) => !attributes[name]).map((name) => `${name} is missing`),
    ...texts
      .filter((name) => name in attributes && typeof attributes[name] !== 'string')
      .map((name) => `${name}: no text`),
    ...texts.filter((name) => attributes[name] === '').map((name) => `${name} is empty`),
    ...names.filter((name) => typeof attributes[name] === 'object').map((name) => `${name}: not one of the types`),
    ...(attributes.specversion === '1.0' ? [] : ['specversion']),
    ...(/^[^\s<>"{}|\\^`]+$/.test(String(attributes.source)) ? [] : ['source: no URI reference']),
    ...(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(String(attributes.time)) ? [] : ['time: not RFC 3339']),
    ...(/^[\w.+-]+\/[\w.+-]+$/.test(String(attributes.datacontenttype)) ? [] : ['datacontenttype: no media type']),
  ];
}

describe('P08 events --json prints CloudEvents', () => {
  it.each([
    ['a container', record({})],
    ['a container whose id has dots', record({ source: 'container/my.app_1-2' })],
    ['a network', record({ source: 'network/web', fact: 'drift-healed' })],
    ['the node', record({ source: 'host', fact: 'serving', data: { state: 'serving' } })],
    [
      'a DHCP client, which speaks for its container',
      record({ source: 'dhcp/web/lan' as OutboxRecord['source'], fact: 'leased' }),
    ],
    ['the last place that a number holds', record({ sequence: Number.MAX_SAFE_INTEGER })],
  ])('P08 events --json prints valid CloudEvents of %s', (_what, announced) => {
    const event = { ...cloudEvent('node1', 'epoch', announced), streamSequence: 4_294_967_296 };
    const shown = JSON.parse(eventText(terminal, event, 'json', {}));
    expect(faultsOf(shown)).toEqual([]);
    expect(shown).toEqual(cloudEventOf(event));
    expect(shown.streamsequence).toBe(4_294_967_296);
    expect(shown.data).toEqual(announced.data);
  });

  it('P08 the rules of the test detect invalid CloudEvents', () => {
    const event = { ...cloudEvent('node1', 'epoch', record({})), streamSequence: 1 };
    expect(faultsOf(event)).toEqual(['streamSequence: not lower-case letters and digits']);
    expect(faultsOf({ ...cloudEventOf(event), id: '', time: 'now', extra: null })).toHaveLength(4);
  });
});

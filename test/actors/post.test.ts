import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Delivery, Journal } from '../../src/actors/journal.ts';
import { hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { DefinitionReader } from '../../src/engine/definitions.ts';
import { Post } from '../../src/engine/post.ts';
import { storageFull } from '../../src/files/free-space.ts';
import { definitionOf } from '../core/samples.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

class FullJournal extends Journal {
  isFull = true;
  override enqueue(...message: Parameters<Journal['enqueue']>): Delivery {
    if (this.isFull) throw storageFull('full');
    return super.enqueue(...message);
  }
}

function opened() {
  const directory = temporaryDirectory();
  const journal = new FullJournal(directory.path);
  onTestFinished(async () => {
    await journal.close();
    directory.remove();
  });
  const delivered: string[] = [];
  const deliver = ({ to, event }: Delivery) => delivered.push(`${to} ${event.type}`);
  return { journal, delivered, post: new Post(journal, { deliver, suspect: () => {} }) };
}

const lost: ActorEvent = { type: 'resolver.lost' };
const replaced: ActorEvent = { type: 'resolver.replaced' };

describe('B02 notices for which there is no room in the journal', () => {
  it('B02 notices without room are delivered once there is room, before later ones', () => {
    const { journal, delivered, post } = opened();
    post.tell(hostAddress, lost);
    vi.runOnlyPendingTimers();
    expect(delivered).toEqual([]);
    journal.isFull = false;
    // another notice finds room before the first one is sent again
    post.tell(hostAddress, replaced);
    post.tell(hostAddress, lost);
    expect(delivered).toEqual([]);
    vi.runOnlyPendingTimers();
    expect(delivered).toEqual(['host resolver.lost', 'host resolver.replaced', 'host resolver.lost']);
    expect(journal.inboxOf(hostAddress).map(({ event }) => event)).toEqual([lost, replaced, lost]);
    post.tell(hostAddress, replaced);
    expect(delivered).toHaveLength(4);
  });

  it('B02 notices without room wait for the first of them, in one timer', () => {
    const { delivered, post } = opened();
    for (let n = 0; n < 3; n++) post.tell(hostAddress, lost);
    for (let n = 0; n < 3; n++) vi.runOnlyPendingTimers();
    expect(vi.getTimerCount()).toBe(1);
    expect(delivered).toEqual([]);
  });

  it('B02 notices that are no longer true when there is room are left out', () => {
    const { journal, delivered, post } = opened();
    let isTrue = true;
    post.tell(hostAddress, lost, () => isTrue);
    post.tell(hostAddress, replaced);
    isTrue = false;
    journal.isFull = false;
    vi.runOnlyPendingTimers();
    expect(delivered).toEqual(['host resolver.replaced']);
  });

  it('B02 notices of network files without room are left out if the file is gone by the time of delivery', () => {
    const { journal, delivered, post } = opened();
    const files = new Set(['back', 'web']);
    const reader = new DefinitionReader(journal, post, files, () => false);
    const definitions = [
      definitionOf({ name: 'back', subnets: [{ subnet: '10.1.0.0/24' }] }, 'back0'),
      definitionOf({ name: 'web', subnets: [{ subnet: '10.2.0.0/24' }] }, 'web0'),
    ];
    reader.take({ definitions, damaged: [] });
    files.delete('web');
    journal.isFull = false;
    vi.runOnlyPendingTimers();
    expect(delivered).toEqual([`${networkAddress('back')} definition.found`]);
  });
});

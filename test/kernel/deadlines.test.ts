import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import { Deadlines } from '../../src/kernel/deadlines.ts';

/** When owners learn that a deadline has passed. */

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-31T12:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

function opened() {
  const deadlines = new Deadlines();
  const passed: [owner: string, at: number][] = [];
  deadlines.onPassed((owner, event) => {
    if (event.type === 'deadline.passed') passed.push([owner, event.at]);
  });
  const set = (withinMs: number, at: number | null = null, owner: ActorAddress = 'container/web') =>
    deadlines.set({ verb: 'deadline.set', owner, deadline: 'start', withinMs, at });
  return { deadlines, passed, set };
}

const day = 86_400_000;

describe('P18 deadlines', () => {
  it('P18 deadlines of an earlier daemon pass only after commands have been accepted for a while', () => {
    const { deadlines, passed, set } = opened();
    const past = Date.now() - 1;
    set(60_000, past);
    set(60_000, Date.now() + 7_000, 'container/later');
    vi.advanceTimersByTime(60_000);
    expect(passed).toEqual([]);
    deadlines.serve(5_000);
    set(60_000, past, 'container/late');
    vi.advanceTimersByTime(4_999);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(passed.map(([owner]) => owner).sort()).toEqual(['container/late', 'container/later', 'container/web']);
  });

  it('P18 deadlines of this daemon pass on time, before and after commands are accepted', () => {
    const { deadlines, passed, set } = opened();
    const at = set(1_000);
    expect(at).toBe(Date.now() + 1_000);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([['container/web', at]]);
    deadlines.serve(5_000);
    set(10);
    vi.advanceTimersByTime(10);
    expect(passed).toHaveLength(2);
  });

  it('P18 deadlines do not move when the wall clock is set', () => {
    const { deadlines, passed, set } = opened();
    deadlines.serve(0);
    const at = set(30_000);
    vi.setSystemTime(Date.now() + day);
    // a verification sets it again
    expect(set(30_000, at)).toBe(at);
    vi.advanceTimersByTime(29_999);
    expect(passed).toEqual([]);
    vi.setSystemTime(Date.now() - 2 * day);
    vi.advanceTimersByTime(1);
    expect(passed).toEqual([['container/web', at]]);
    // of an earlier daemon: it waits no longer than its original time
    set(30_000, Date.now() + day);
    vi.advanceTimersByTime(30_000);
    expect(passed).toHaveLength(2);
  });

  it('P18 deadlines may be longer than a timer of Node.js', () => {
    const { deadlines, passed, set } = opened();
    deadlines.serve(0);
    set(40 * day);
    vi.advanceTimersByTime(40 * day - 1);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(passed).toHaveLength(1);
  });

  it('P18 deadlines are not reported after they are replaced or cleared, or after the end', () => {
    const { deadlines, passed, set } = opened();
    deadlines.serve(0);
    set(10);
    set(20);
    set(10, null, 'container/other');
    deadlines.clear('container/other');
    vi.advanceTimersByTime(10);
    expect(passed).toEqual([]);
    deadlines.close();
    vi.advanceTimersByTime(60_000);
    expect(passed).toEqual([]);
  });
});

import { afterEach, beforeEach, expect, it } from 'vitest';
import { StorageGuard } from '../../src/storage/storage-guard.ts';
import { SmallDisk } from '../support/small-disk.ts';

let disk: SmallDisk;
let guard: StorageGuard;
let pending = 0;
const said: string[] = [];

beforeEach(() => {
  said.length = 0;
  pending = 0;
  disk = new SmallDisk('tmpfs', 8);
  guard = new StorageGuard({
    runDirectory: disk.path,
    stateDirectory: disk.path,
    keepReserve: () => 2 ** 22,
    pending: () => pending,
  });
  guard.on('full', (message) => said.push(message));
  guard.on('freed', () => said.push('freed'));
});
afterEach(() => {
  guard.stop();
  disk.remove();
});

it('B02 refuses what builds while there is no room, and says so once', async () => {
  guard.refuseWhenFull();
  expect(guard.hasRoomForEvents()).toBe(true);
  disk.fill();
  await expect.poll(() => guard.view().refused).toBe('run');
  expect(() => guard.refuseWhenFull()).toThrow(`the file system of ${disk.path} has less than 2.0 MiB left`);
  expect(guard.hasRoomForEvents()).toBe(false);
  disk.makeRoom();
  await expect.poll(() => guard.view().refused).toBeNull();
  guard.refuseWhenFull();
  expect(said).toEqual([expect.stringContaining('less than 2.0 MiB left'), 'freed']);
});

it('B01 bounds the events that wait for room', async () => {
  pending = 30_000;
  await expect.poll(() => guard.view().refused).toBeNull();
  pending = 30_001;
  await expect.poll(() => guard.view().refused).toBe('events');
  expect(() => guard.refuseWhenFull()).toThrow('more than 30000 events wait for room');
  pending = 0;
  await expect.poll(() => guard.view().refused).toBeNull();
  expect(said).toEqual([expect.stringContaining('more than 30000 events'), 'freed']);
});

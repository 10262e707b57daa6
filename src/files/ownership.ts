import { chmodSync, lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ContentError } from '../core/content-error.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { type Place, wayTo } from './link-chain.ts';
import { makeDirectories } from './make-directories.ts';
import { readOrdinaryFile } from './ordinary-file.ts';

const writableByOthers = 0o022;
const sticky = 0o1000;

/**
 * Describes how a user other than root could replace this file; null when no other user can. Checks the file itself and every
 * directory above it. Throws when the file does not exist.
 */
export function replaceableBy(path: string): string | null {
  for (let place = realpathSync(path); ; place = dirname(place)) {
    const stats = statSync(place);
    const reason = handOn({ path: place, stats }, ({ uid }) => uid === 0);
    if (reason !== null || place === dirname(place)) return reason;
  }
}

/**
 * Why what is in this directory, or file, could be another user's, in words; null when only root and the user of this process
 * may write there, or when it does not exist.
 */
export function foreignHand(path: string): string | null {
  const itself = lstatSync(path, { throwIfNoEntry: false });
  // the owner of a link decides where it leads
  const stats = itself?.isSymbolicLink() ? targetOf(path) : itself;
  const stranger = [itself, stats].find((one) => one && !isOurs(one));
  if (stranger) return `${path} belongs to user ${stranger.uid}`;
  return stats && stats.mode & writableByOthers && !isFreshMount(path) ? `others may write to ${path}` : null;
}

/** What this is, or leads to as a link; undefined: nothing is there, or links lead round and round. */
function targetOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Describes how a user other than root and that of this process could replace this directory: by what is above it, or above a
 * link that leads to it. null when no other user can. The directory itself is foreignHand()'s, and may be missing.
 */
export function handAbove(directory: string): string | null {
  for (const place of wayTo(directory)) {
    const reason = handOn(place, isOurs);
    if (reason !== null) return reason;
  }
  return null;
}

/** How others can replace this, or what is in it, in words; null: they cannot. */
function handOn({ path, stats }: Place, isTrusted: (stats: Stats) => boolean): string | null {
  if (!isTrusted(stats)) return `${path} belongs to user ${stats.uid}`;
  // the mode of a link has no meaning, and in a sticky directory (/tmp) only the owner can rename a file
  const isOpen = !stats.isSymbolicLink() && stats.mode & writableByOthers && !(stats.mode & sticky);
  return isOpen ? `others may write to ${path}` : null;
}

/** Shared by convention, whatever is in them. */
const sharedDirectories = ['/tmp', '/var/tmp', '/dev/shm'];

/** Checks whether a file system was mounted there that every user may write to, as a tmpfs by default, and that is still unused. */
function isFreshMount(directory: string): boolean {
  const place = realpathSync(directory);
  const stats = statSync(place);
  return (
    isOurs(stats) &&
    (stats.mode & sticky) !== 0 &&
    (stats.mode & writableByOthers) === writableByOthers &&
    stats.dev !== statSync(dirname(place)).dev &&
    !sharedDirectories.includes(place) &&
    foreignEntry(place) === null
  );
}

/** What in this directory another user made, in words; null: nothing. */
function foreignEntry(directory: string): string | null {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    // it may be removed meanwhile
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats && !isOurs(stats)) return `${path} belongs to user ${stats.uid}`;
  }
  return null;
}

const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.();

/** Which directory in this one others may write to, in words; null: none. */
function openEntry(directory: string): string | null {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    // devices, to which links may lead, are open to all
    const reason = targetOf(path)?.isDirectory() ? foreignHand(path) : null;
    if (reason !== null) return reason;
  }
  return null;
}

/** Reads an ordinary file that only root and the user of this process could write. Throws as readOrdinaryFile() does. */
export const textOfOwnFile = (path: string): string => readOrdinaryFile(path, mustBeOwn).toString('utf8');

function mustBeOwn(stats: Stats): void {
  const reason = isOurs(stats) ? 'can be written by others' : `belongs to user ${stats.uid}`;
  if (!isOurs(stats) || stats.mode & writableByOthers)
    throw new ContentError(`${reason}, so what is in it cannot be trusted: name another one (--creds, NETLOOM_CREDS)`);
}

/**
 * Makes a directory for secrets, and refuses one that others made, may write to or may replace, or may once have written to:
 * something in it is another user's, or open to others. A file system that was just mounted there is taken
 * for its own. Throws directory.unsafe, and what mkdir(2) does.
 */
export function makeOwnDirectory(directory: string): void {
  refuseAbove(directory);
  makeDirectories(directory, 0o700);
  // in a directory like /tmp, another user may have made one of those above it meanwhile
  refuseAbove(directory);
  if (foreignHand(directory) === null && isFreshMount(directory)) chmodSync(directory, 0o700);
  const reason = foreignHand(directory) ?? foreignEntry(directory) ?? openEntry(directory);
  if (reason === null) return;
  throw new NetloomError(
    fault('directory.unsafe', `${reason}, so nothing in it can be trusted: remove it, or choose another directory`),
  );
}

function refuseAbove(directory: string): void {
  const reason = handAbove(directory);
  if (reason === null) return;
  throw new NetloomError(
    fault('directory.unsafe', `${reason}, so others can replace ${directory}: choose another directory`),
  );
}

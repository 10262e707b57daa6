import { subscribe } from 'node:diagnostics_channel';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into a daemon before anything else, on each of its threads (`--import`). A worker that is to end at once goes on for
 * some pieces of its work, and ends behind one of them: between a commit, or a kernel step, and what follows from it.
 */

const mostPieces = 20;
/** An idle worker ends after this. */
const idleMs = 20;

if (!isMainThread) {
  const exit = process.exit.bind(process);
  let piecesLeft: number | null = null;
  subscribe('netloom:span', () => {
    if (piecesLeft !== null && piecesLeft-- <= 0) exit(1);
  });
  const exitLater = () => {
    piecesLeft = Math.floor(Math.random() * mostPieces);
    setTimeout(() => exit(1), idleMs);
  };
  process.exit = exitLater as typeof process.exit;
}

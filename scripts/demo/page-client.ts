import { createInterface } from 'node:readline';
import { fetchPage } from './fetch-page.ts';

/** Runs in container `visitor`: fetches each URL that it reads, and prints the page or the reason for its absence as JSON. */

console.log('listening');
for await (const url of createInterface({ input: process.stdin })) {
  const answer = await fetchPage(url).catch((error: Error) => ({ url, error: error.message }));
  console.log(JSON.stringify(answer));
}

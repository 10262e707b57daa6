import { createInterface } from 'node:readline';
import { fetchPage } from './fetch-page.ts';

/** Runs in container `visitor`: fetches each URL that it reads, and tells the page or why there is none as JSON. */

console.log('listening');
for await (const url of createInterface({ input: process.stdin })) {
  const answer = await fetchPage(url).catch((error: Error) => ({ url, error: error.message }));
  console.log(JSON.stringify(answer));
}

// Commits orders into a shop without pause, each made durable as applications do, until its input ends: node write-orders.ts <file>
import Database from 'better-sqlite3';
import { createOrderWriter } from '../../fixtures/shop/shop.ts';

const db = new Database(process.argv[2], { fileMustExist: true, timeout: 60_000 });
const place = createOrderWriter(db, 7);
const write = (): void => {
  place();
  next = setImmediate(write);
};
let next = setImmediate(write);
process.stdin.on('end', () => {
  clearImmediate(next);
  db.close();
});
process.stdin.resume();

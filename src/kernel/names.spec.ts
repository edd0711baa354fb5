import { expect, it } from 'vitest';
import { isSameName } from './names.js';

it.each([
  ['T. Nguyen', 'T.  Nguyen'],
  ['T. Nguyen', 'T.\u00a0Nguyen'],
  ['T. Nguyen', 'T.\u2003\u3000Nguyen '],
  ['T. Nguyen', 't. NGUYEN'],
  ['T. Nguyen', 'T. Ngu\u200byen'],
  ['A. Sørensen', 'A. SØRENSEN'],
  ['J. Weiß', 'J. WEISS'],
  ['É. Roux', 'E\u0301. Roux'],
  ['Ｔ. Nguyen', 'T. Nguyen'],
])('are %j and %j the same name?', (one, other) => {
  expect(isSameName(one, other)).toBe(true);
});

it.each([
  ['T. Nguyen', 'T. Nguyễn'],
  ['T. Nguyen', 'A. Nguyen'],
  ['Anna Maria', 'Annamaria'],
])('are %j and %j two names?', (one, other) => {
  expect(isSameName(one, other)).toBe(false);
});

import { describe, expect, it } from 'vitest';
import { OfOrganizations } from './of-organizations.js';

describe('what is kept of each organisation within a bound', () => {
  const sized = (maximum: number) => new OfOrganizations<{ size: number }>(maximum, ({ size }) => size);

  it('does the one that was asked for longest ago go first?', () => {
    const kept = sized(10);
    kept.set('a', { size: 4 });
    kept.set('b', { size: 4 });
    kept.get('a');
    kept.set('c', { size: 4 });
    expect(['a', 'b', 'c'].map((id) => kept.get(id) !== undefined)).toEqual([true, false, true]);
  });

  it('does one take the place of what it was, and not room beside it?', () => {
    const kept = sized(10);
    kept.set('a', { size: 4 });
    kept.set('b', { size: 5 });
    kept.set('b', { size: 6 });
    expect(kept.get('a')).toEqual({ size: 4 });
    expect(kept.get('b')).toEqual({ size: 6 });
  });

  it('is one for which there is no room known as such, and what was kept of it gone?', () => {
    const kept = sized(10);
    kept.set('a', { size: 4 });
    expect(kept.hasRoomFor('a', 11)).toBe(false);
    expect(kept.get('a')).toBeUndefined();
    expect(kept.isTooLarge('a')).toBe(true);
    expect(kept.hasRoomFor('b', 10)).toBe(true);
    expect(kept.isTooLarge('b')).toBe(false);
  });
});

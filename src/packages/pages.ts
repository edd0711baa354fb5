/** Pages until one is not full; each is asked for with the last item of the page before. */
export async function* pages<Item>(
  size: number,
  read: (last: Item | null) => Promise<Item[]>,
): AsyncGenerator<Item[], void> {
  for (let last: Item | null = null; ;) {
    const page: Item[] = await read(last);
    if (page.length > 0) yield page;
    last = page.at(-1) ?? null;
    if (page.length < size) return;
  }
}

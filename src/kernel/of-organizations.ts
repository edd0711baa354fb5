/**
 * What a process keeps in memory of each organisation, within a bound for all of them together: the one that was asked for longest ago goes first. One that alone has more than
 * there is room for is not kept, and that is known: nothing is read of it only to find that again.
 */
export class OfOrganizations<Value> {
  /** The one that was asked for last comes last. */
  private readonly held = new Map<string, Value>();
  private readonly tooLarge = new Set<string>();

  constructor(
    private readonly maximum: number,
    private readonly sizeOf: (value: Value) => number,
  ) {}

  isTooLarge(organizationId: string): boolean {
    return this.tooLarge.has(organizationId);
  }

  get(organizationId: string): Value | undefined {
    const value = this.held.get(organizationId);
    if (value === undefined) return undefined;
    this.held.delete(organizationId);
    this.held.set(organizationId, value);
    return value;
  }

  /** Whether there is room for so much. Where there is none it is forgotten, until it is found to take less. */
  hasRoomFor(organizationId: string, size: number): boolean {
    if (size <= this.maximum) {
      this.tooLarge.delete(organizationId);
      return true;
    }
    this.held.delete(organizationId);
    this.tooLarge.add(organizationId);
    return false;
  }

  set(organizationId: string, value: Value): void {
    this.held.delete(organizationId);
    this.held.set(organizationId, value);
    let all = [...this.held.values()].reduce((sum, one) => sum + this.sizeOf(one), 0);
    for (const [other, one] of this.held) {
      if (all <= this.maximum) return;
      this.held.delete(other);
      all -= this.sizeOf(one);
    }
  }
}

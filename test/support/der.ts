/** As much of DER (X.690) as certificates are written in. */

export const ECDSA_SHA256 = sequence(identifier('1.2.840.10045.4.3.2'));

export function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

export function sequence(...contents: Buffer[]): Buffer {
  return der(0x30, ...contents);
}

export function integer(value: number): Buffer {
  return der(0x02, Buffer.from([value]));
}

export function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), bytes);
}

export function name(common: string): Buffer {
  if (common === '') return sequence();
  return sequence(der(0x31, sequence(identifier('2.5.4.3'), der(0x0c, Buffer.from(common)))));
}

export function time(seconds: number): Buffer {
  return der(0x18, Buffer.from(new Date(seconds * 1_000).toISOString().replace(/[-:T]|\.\d+/g, '')));
}

export function extension(oid: string, value: Buffer): Buffer {
  return sequence(identifier(oid), der(0x04, value));
}

export function identifier(oid: string): Buffer {
  const [first = 0, second = 0, ...arcs] = oid.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of arcs) {
    const septets = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) septets.unshift((rest & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
}

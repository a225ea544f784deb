/** Whether a text is well-formed XML, as far as our SVG uses it: elements, attributes in double quotes, five entities. */

const TAG = /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[a-zA-Z][\w:-]*="[^"<]*")*)\s*(\/?)>/y;
// eslint-disable-next-line no-control-regex -- they are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;
const ENTITY = /&(?!amp;|lt;|gt;|quot;|#39;)/;

export type XmlElement = { readonly name: string; readonly attributes: Readonly<Record<string, string>> };

/** @returns its elements in order. @throws Error with the place of the first fault. */
export const elementsOf = (xml: string): readonly XmlElement[] => {
  refuse(FORBIDDEN.exec(xml) ?? ENTITY.exec(xml));
  const open: string[] = [];
  const elements: XmlElement[] = [];
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', at)) {
    TAG.lastIndex = at;
    const [whole, closing, name = '', attributes = '', empty] = TAG.exec(xml) ?? [];
    if (whole === undefined) throw new Error(`no tag at ${String(at)}: ${xml.slice(at, at + 60)}`);
    if (closing === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> at ${String(at)} closes another element`);
    } else {
      elements.push({ name, attributes: attributesOf(attributes) });
      if (empty !== '/') open.push(name);
    }
    at += whole.length;
  }
  if (open.length > 0) throw new Error(`${open.join(', ')} is not closed`);
  return elements;
};

const refuse = (found: RegExpExecArray | null): void => {
  if (found === null) return;
  throw new Error(`at ${String(found.index)}: ${JSON.stringify(found.input.slice(found.index, found.index + 30))}`);
};

const attributesOf = (text: string): Readonly<Record<string, string>> => {
  const pairs = [...text.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!] as const);
  if (new Set(pairs.map(([key]) => key)).size < pairs.length) throw new Error(`twice the same attribute in${text}`);
  return Object.fromEntries(pairs);
};

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The texts of a mail. The first line of the plain text is `Subject: …`. `{{name}}` stands for a value. */
export interface MailTemplate {
  text: string;
  html: string;
}

/** Templates by language, such as `en`, and by name. */
export type MailTemplateSet<Name extends string> = Record<string, Record<Name, MailTemplate>>;

const SUBJECT = /^Subject: (.+)\r?\n\s*\n/;
const PLACEHOLDER = /\{\{\s*(\w+)\s*\}\}/g;

/** Thrown for a file of the operator that cannot be used. */
export class MailTemplateError extends Error {}

/** Renders mails from built-in templates, and from files of the operator that replace them. */
export class MailTemplates<Name extends string> {
  readonly #templates: MailTemplateSet<Name>;

  /**
   * @param folder contains LANGUAGE/NAME.txt and LANGUAGE/NAME.html, as far as they replace the built-in ones; null
   * without such files
   * @throws MailTemplateError
   */
  constructor(builtIn: MailTemplateSet<Name>, folder: string | null) {
    if (folder !== null && !existsSync(folder)) throw new MailTemplateError(`The folder "${folder}" does not exist.`);
    this.#templates = Object.fromEntries(
      Object.entries(builtIn).map(([language, templates]) => {
        const entries = Object.entries<MailTemplate>(templates).map(([name, template]) => [
          name,
          folder === null ? template : replaceByFiles(template, join(folder, language, name)),
        ]);
        return [language, Object.fromEntries(entries) as Record<Name, MailTemplate>];
      }),
    );
  }

  get languages(): string[] {
    return Object.keys(this.#templates);
  }

  /** @param language one of `languages` */
  render(
    name: Name,
    language: string,
    values: Record<string, string>,
  ): { subject: string; text: string; html: string } {
    const template = this.#templates[language]![name];
    const text = fill(template.text, values);
    return {
      subject: SUBJECT.exec(text)![1]!.trim(),
      text: text.replace(SUBJECT, ''),
      html: fill(template.html, Object.fromEntries(Object.entries(values).map(([key, it]) => [key, escapeHtml(it)]))),
    };
  }
}

const fill = (text: string, values: Record<string, string>): string =>
  text.replace(PLACEHOLDER, (_all, name: string) => values[name] ?? '');

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function replaceByFiles(template: MailTemplate, path: string): MailTemplate {
  const replaced = {
    text: read(`${path}.txt`, template.text),
    html: read(`${path}.html`, template.html),
  };
  if (!SUBJECT.test(replaced.text))
    throw new MailTemplateError(`${path}.txt must begin with "Subject: …" and an empty line.`);
  return replaced;
}

/** Reads a file that may be missing. It must have the same placeholders as the text that it replaces. */
function read(path: string, builtIn: string): string {
  if (!existsSync(path)) return builtIn;
  const text = readFileSync(path, 'utf8');
  const names = findPlaceholders(text);
  const known = findPlaceholders(builtIn);
  for (const name of names)
    if (!known.has(name)) throw new MailTemplateError(`${path} contains the unknown placeholder {{${name}}}.`);
  if (known.has('link') && !names.has('link')) throw new MailTemplateError(`${path} must contain {{link}}.`);
  return text;
}

const findPlaceholders = (text: string): Set<string> =>
  new Set([...text.matchAll(PLACEHOLDER)].map(([, name]) => name!));

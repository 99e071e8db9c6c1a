import { posix } from 'node:path';
import type { CocoImages } from './annotations.js';

/** Which picture of an annotation file a result is for. */
export type IdentifiedPicture =
  | {
      readonly id: number;
      readonly oddity: { readonly code: string; readonly problem: string; readonly action: string } | undefined;
    }
  | { readonly problem: string };

export interface PictureNames {
  /** The picture by its id, by the text that the file has for it, or by its name; a name that is given decides. */
  identify(imageId: number | string | undefined, fileName: string | undefined): IdentifiedPicture;
  /** The id of the picture of this name: the file's own, or the only one of that base name; undefined for none. */
  idOfName(name: string): number | undefined;
}

/** Finds pictures of an annotation file by what other programs call them. */
export function createPictureNames({ ids, fileNames, indexOf, texts }: CocoImages): PictureNames {
  let names: Map<string, number | undefined> | undefined;
  const idOfName = (name: string): number | undefined => {
    names ??= namesOf(ids, fileNames);
    const plain = plainName(name);
    return names.get(plain) ?? names.get(baseName(plain));
  };
  const idOfText = new Map([...(texts ?? [])].map(([id, text]) => [text, id]));
  return {
    idOfName,
    identify(imageId, fileName) {
      const named = fileName === undefined ? undefined : idOfName(fileName);
      if (typeof imageId === 'string') {
        const id = named ?? idOfText.get(imageId) ?? idOfName(imageId);
        if (id !== undefined) return { id, oddity: undefined };
        return { problem: `has ${JSON.stringify(imageId)} as image_id, which no picture of the annotations is called` };
      }
      if (named !== undefined && named !== imageId) {
        if (imageId === undefined) return { id: named, oddity: undefined };
        const whose = indexOf.has(imageId) ? 'is another picture' : 'is no picture of the annotations';
        return {
          id: named,
          oddity: {
            code: 'image-id-of-another-picture',
            problem: `has image_id ${imageId}, which ${whose}; by its file_name it is for image ${named}`,
            action: 'scored by its file_name',
          },
        };
      }
      return imageId === undefined ? { problem: 'has no image_id' } : { id: imageId, oddity: undefined };
    },
  };
}

/** Ids by file name, and by base name where only one picture has it. */
function namesOf(ids: Float64Array, fileNames: readonly string[]): Map<string, number | undefined> {
  const names = new Map<string, number | undefined>();
  for (const [image, name] of fileNames.entries()) {
    const base = baseName(plainName(name));
    names.set(base, names.has(base) ? undefined : ids[image]!);
  }
  for (const [image, name] of fileNames.entries()) names.set(plainName(name), ids[image]);
  return names;
}

function plainName(name: string): string {
  return posix.normalize(name.replaceAll('\\', '/').normalize('NFC'));
}

function baseName(name: string): string {
  return posix.basename(name);
}

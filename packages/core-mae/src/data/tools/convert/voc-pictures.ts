import { isPictureName } from '../../../base/picture-names.js';
import { MaeError } from '../../../base/errors.js';
import { nameProblem } from '../../coco/picture-names.js';
import { baseName, type DataSetFiles, folderOf, joinPath, withoutEnding } from './data-set-files.js';
import type { Notes } from './notes.js';
import type { VocAnnotation } from './voc-annotation.js';

/** An XML file, with the picture that it is about. */
export interface VocDocument extends VocAnnotation {
  /** As messages name it. */
  readonly file: string;
  /** Below the data set's folder, with `/`. */
  readonly path: string;
  readonly place: VocPlace;
}

/** Where an XML file lies: the folder of annotations, what is above it, and the path inside it. */
export interface VocPlace {
  /** The folder with Annotations, JPEGImages and ImageSets in it; where XML and pictures lie together, that folder. */
  readonly root: string;
  /** The file's path inside the folder of annotations, without its ending. */
  readonly stem: string;
  /** Where its picture may lie, likeliest first. */
  readonly pictureFolders: readonly string[];
}

const ANNOTATION_FOLDER = /^(?:annotations?|anns?|xmls?|labels?|bbox(?:es)?)$/iu;
const PICTURE_FOLDERS = ['jpegimages', 'images', 'image', 'imgs', 'img', 'pictures', 'photos', 'data'];

/** Where an XML file lies, by the names of its folders. */
export function vocPlace(file: string, files: DataSetFiles): VocPlace {
  const folder = folderOf(file);
  const parts = folder === '' ? [] : folder.split('/');
  const at = parts.findLastIndex((part) => ANNOTATION_FOLDER.test(part));
  if (at < 0) return { root: folder, stem: withoutEnding(baseName(file)), pictureFolders: [folder] };
  const root = parts.slice(0, at).join('/');
  const inside = parts.slice(at + 1).join('/');
  const beside = files.foldersIn(root);
  const named = PICTURE_FOLDERS.flatMap((name) => beside.filter((each) => each.toLowerCase() === name));
  const pictureFolders = named.flatMap((name) => [joinPath(root, name, inside), joinPath(root, name)]);
  return {
    root,
    stem: joinPath(inside, withoutEnding(baseName(file))),
    pictureFolders: [...new Set([...pictureFolders, folder, joinPath(root, inside), root])],
  };
}

/**
 * The picture of each XML file, as a path below the data set's folder: the file that `filename` names, or one that is
 * called as the XML file is. Where two XML files name one picture, each is about the picture of its own name.
 *
 * @throws MaeError `PATH_ESCAPES` or `DATA_INVALID` naming the file and the line
 */
export function placePictures(
  documents: readonly VocDocument[],
  files: DataSetFiles,
  notes: Notes,
): Map<VocDocument, string> {
  const owners = new Map<string, VocDocument>();
  const waiting: Array<readonly [VocDocument, string]> = [];
  for (const document of documents) {
    const picture = namedPicture(document, files) ?? ownPicture(document, files);
    if (picture !== undefined) waiting.push([document, picture]);
    else {
      notes.add(
        'XML files whose pictures are missing',
        `${document.file}, line ${document.fileNameLine}: left out, there is no picture ` +
          `${document.fileName === '' ? '' : `${document.fileName} and none `}called ${baseName(document.place.stem)}`,
      );
    }
  }
  // Whoever is named as the picture is keeps it; the other goes to its own, where a third may have to give way.
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [document, picture] = next;
    const owner = owners.get(picture);
    if (owner === undefined) {
      owners.set(picture, document);
      continue;
    }
    const keeps = ownPicture(document, files) === picture || ownPicture(owner, files) !== picture ? document : owner;
    const leaves = keeps === document ? owner : document;
    owners.set(picture, keeps);
    const own = ownPicture(leaves, files);
    const twice = `${leaves.file}, line ${leaves.fileNameLine}: names the picture ${picture}, and so does ${keeps.file}`;
    if (own === undefined || own === picture) {
      notes.add('XML files that name a picture of another', `${twice}; left out, there is no picture of its own name`);
    } else {
      notes.add(
        'XML files that name a picture of another',
        `${twice}; its objects go to ${own}, which is called as it is`,
      );
      waiting.push([leaves, own]);
    }
  }
  const placed = new Map([...owners].map(([picture, document]) => [document, picture]));
  // In the order of the files, whatever order the claims were settled in.
  return new Map(documents.flatMap((document) => (placed.has(document) ? [[document, placed.get(document)!]] : [])));
}

function namedPicture(document: VocDocument, files: DataSetFiles): string | undefined {
  const { fileName, file, fileNameLine, place } = document;
  if (fileName === '') return undefined;
  const path = fileName.replaceAll('\\', '/').replace(/^(?:\.\/)+/u, '');
  if (path.split('/').includes('..') || path.includes('\0')) {
    throw new MaeError('PATH_ESCAPES', {
      what: nameProblem(fileName)?.replace('file_name', 'filename') ?? 'filename leads out of the data set',
      where: `${file}, line ${fileNameLine}`,
      fix: 'filename is the name of the picture in JPEGImages',
    });
  }
  // An absolute path, or an address, is one of another machine: its last part counts.
  const names = [...new Set([path, baseName(path)])];
  for (const name of names) {
    for (const folder of place.pictureFolders) {
      const found = files.at(joinPath(folder, name));
      if (found !== undefined && isPictureName(found)) return found;
    }
  }
  for (const name of names) {
    for (const folder of place.pictureFolders) {
      const stem = joinPath(folder, isPictureName(name) ? withoutEnding(name) : name);
      const found = only(files.picturesOfStem(stem), document);
      if (found !== undefined) return found;
    }
  }
  // Only where no picture has the XML file's own name is the name looked for in other folders.
  return ownPicture(document, files) ?? only(files.picturesNamed(baseName(path)), document);
}

/** The picture that is called as the XML file is. */
function ownPicture(document: VocDocument, files: DataSetFiles): string | undefined {
  const { place, fileName } = document;
  for (const folder of place.pictureFolders) {
    for (const stem of new Set([place.stem, baseName(place.stem)])) {
      const found = files.picturesOfStem(joinPath(folder, stem));
      const alike = found.find((picture) => baseName(picture) === baseName(fileName.replaceAll('\\', '/')));
      const one = alike ?? only(found, document);
      if (one !== undefined) return one;
    }
  }
  return undefined;
}

function only(found: readonly string[], { file, fileNameLine }: VocDocument): string | undefined {
  if (found.length <= 1) return found[0];
  throw new MaeError('DATA_INVALID', {
    what: `it may be about any of the pictures ${found.slice(0, 3).join(', ')}`,
    where: `${file}, line ${fileNameLine}`,
    fix: 'write the full name of its picture as filename',
  });
}

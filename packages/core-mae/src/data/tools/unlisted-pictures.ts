import { join, relative } from 'node:path';
import type { ReportFault } from '../../contracts/data-fault.js';
import { MaeError } from '../../base/errors.js';
import { listFiles } from '../../base/listing.js';
import { isPictureName } from '../../base/picture-names.js';
import type { CocoDataset } from '../readers/coco-instances.js';

/** Pictures in the folders of a COCO data set that no annotation file names. */
export async function reportUnlisted(
  splits: readonly CocoDataset[],
  root: string,
  followLinks: boolean,
  report: ReportFault,
): Promise<void> {
  const folders = [...new Set(splits.map(({ imageFolder }) => imageFolder))];
  const listed = new Set(splits.flatMap(({ paths }) => paths));
  for (const folder of folders) {
    const fault = (severity: 'error' | 'warning', code: string, file: string, problem: string): void => {
      report({
        severity,
        code,
        file,
        subject: code === 'dead-link' ? 'a link' : 'the picture',
        problem,
        action: 'not used',
      });
    };
    try {
      const { files, warnings } = await listFiles(folder, {
        within: folder.startsWith(root) ? root : folder,
        followLinks,
      });
      for (const file of files) {
        const path = join(folder, file);
        // Another split's folder inside this one answers for its own pictures.
        const isOthers = folders.some(
          (other) => other !== folder && other.startsWith(folder) && path.startsWith(other),
        );
        if (isOthers || listed.has(path) || !isPictureName(file)) continue;
        fault('warning', 'picture-not-listed', relative(root, path), 'is named by no annotation file');
      }
      for (const warning of warnings) fault('warning', 'dead-link', folder, warning);
    } catch (error) {
      if (!(error instanceof MaeError)) throw error;
      fault('warning', 'link-not-followed', folder, error.message);
    }
  }
}

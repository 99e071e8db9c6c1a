import { describe, expect, it } from 'vitest';
import { reportHtml, type RunReport } from '#core/report/pages/report-html.js';

const hostile = '<script>alert("1")</script><img src=x onerror=alert(2)>\'&';
const png = Uint8Array.from([1, 2, 3, 250]);

const report: RunReport = {
  title: 'pretrain/run1',
  lead: 'Finished.',
  summary: [['Loss', '0.4']],
  records: [{ step: 1, epoch: 1, phase: 'train', values: { loss: 0.4 } }],
  pictures: [{ title: 'Reconstructions', caption: 'After epoch 1.', image: { mediaType: 'image/png', bytes: png } }],
  next: [{ purpose: 'Fine-tune', command: 'mae-tasks finetune classify' }],
  config: 'model: tiny\n',
  environment: [['Node.js', 'v22']],
};

describe('report.html', () => {
  it('has everything of the run inside', () => {
    const html = reportHtml(report);
    for (const part of [
      '<title>pretrain/run1</title>',
      'Finished.',
      '<th scope="row">Loss</th><td>0.4</td>',
      `data:image/png;base64,${Buffer.from(png).toString('base64')}`,
      'mae-tasks finetune classify',
      'model: tiny',
      '<th scope="row">Node.js</th><td>v22</td>',
      '<svg ',
    ]) {
      expect(html).toContain(part);
    }
  });

  it('asks nothing of the network and runs nothing', () => {
    const html = reportHtml(report);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script|<link|<iframe|@import|\bon\w+=/i);
    const addresses = [...html.matchAll(/(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)/g)].map((match) => match[1]!);
    expect(addresses).toHaveLength(1);
    expect(addresses[0]).toMatch(/^data:image\/png;base64,/);
  });

  it('is harmless whatever the names are', () => {
    const html = reportHtml({
      title: hostile,
      lead: hostile,
      summary: [[hostile, hostile]],
      records: [{ step: 1, epoch: 1, phase: 'val', values: { [hostile]: 1 } }],
      pictures: [{ title: hostile, caption: hostile, image: { mediaType: 'image/png', bytes: png } }],
      next: [{ purpose: hostile, command: hostile }],
      config: `</pre>${hostile}`,
      environment: [[hostile, hostile]],
    });
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<img src=x');
    expect(html.match(/<img /g)).toHaveLength(1);
    expect(html.match(/<\/pre>/g)).toHaveLength(2);
    expect(html.split('&lt;script&gt;').length).toBeGreaterThan(12);
  });

  it('is whole for a run that has nothing to show yet', () => {
    const html = reportHtml({ title: 'run', summary: [], records: [] });
    expect(html).toContain('Nothing has been measured yet');
    expect(html).not.toContain('undefined');
    expect(html).not.toContain('<h2>Pictures');
  });
});

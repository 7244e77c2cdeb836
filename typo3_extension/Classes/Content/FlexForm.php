<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

use TYPO3\CMS\Core\Utility\GeneralUtility;

/**
 * Reads the settings of a content element's FlexForm; the core's own reader has another name in each version.
 */
final class FlexForm
{
    /**
     * @return array<string, string> names without `settings.`
     */
    public static function settings(string $xml): array
    {
        $form = $xml === '' ? [] : GeneralUtility::xml2array($xml);
        $found = [];
        foreach (is_array($form) ? ($form['data'] ?? []) : [] as $sheet) {
            foreach ($sheet['lDEF'] ?? [] as $name => $value) {
                $found[(string)preg_replace('/^settings\./', '', (string)$name)] = (string)($value['vDEF'] ?? '');
            }
        }

        return $found;
    }
}

<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Preview;

use Mieterportal\Typo3\Aushang\AushangElement;
use Mieterportal\Typo3\Content\FlexForm;
use Mieterportal\Typo3\Content\PortalElement;
use Mieterportal\Typo3\Content\PortalHome;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use Symfony\Component\DependencyInjection\Attribute\Autoconfigure;
use TYPO3\CMS\Backend\Preview\PreviewRendererInterface;
use TYPO3\CMS\Backend\Preview\StandardContentPreviewRenderer;
use TYPO3\CMS\Backend\View\BackendLayout\Grid\GridColumnItem;
use TYPO3\CMS\Core\Domain\RecordInterface;
use TYPO3\CMS\Core\Exception\SiteNotFoundException;
use TYPO3\CMS\Core\Localization\LanguageServiceFactory;
use TYPO3\CMS\Core\Site\SiteFinder;

/**
 * What an editor sees of a content element of the portal in the page module: what it shows, and how.
 */
#[Autoconfigure(public: true)]
final readonly class PortalPreviewRenderer implements PreviewRendererInterface
{
    private const MODULE = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_module.xlf:';
    private const CONTENT = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_content.xlf:';

    public function __construct(
        private StandardContentPreviewRenderer $standard,
        private SiteFinder $siteFinder,
        private PortalSettingsFactory $settings,
        private PortalHome $home,
        private LanguageServiceFactory $languages,
    ) {}

    public function renderPageModulePreviewHeader(GridColumnItem $item): string
    {
        return $this->standard->renderPageModulePreviewHeader($item);
    }

    public function renderPageModulePreviewContent(GridColumnItem $item): string
    {
        $row = self::row($item->getRecord());
        $type = (string)($row['CType'] ?? '');
        $settings = $this->settingsOf((int)($row['pid'] ?? 0));
        $lines = [$this->words(self::MODULE . 'contents.' . $type), ...$this->details($row, $type)];
        $lines[] = match (true) {
            $settings === null => $this->words(self::MODULE . 'contents.notConnected'),
            $type !== PortalElement::EMERGENCY => sprintf($this->words(self::MODULE . 'contents.connected'), $settings->url),
            default => $this->settings->emergency($this->siteFinder->getSiteByPageId((int)$row['pid']))->phone ?: $this->words(self::MODULE . 'contents.noNumber'),
        };
        $shown = array_map(static fn(string $line): string => '<div>' . htmlspecialchars($line) . '</div>', array_filter($lines));

        return implode('', $shown);
    }

    public function renderPageModulePreviewFooter(GridColumnItem $item): string
    {
        return $this->standard->renderPageModulePreviewFooter($item);
    }

    public function wrapPageModulePreview(string $previewHeader, string $previewContent, GridColumnItem $item): string
    {
        return $this->standard->wrapPageModulePreview($previewHeader, $previewContent, $item);
    }

    /**
     * @param array<string, mixed> $row
     * @return list<string>
     */
    private function details(array $row, string $type): array
    {
        if ($type === PortalElement::EMERGENCY) {
            return [];
        }
        if ($type === AushangElement::TYPE) {
            return $this->detailsOfAushaenge($row);
        }
        $form = FlexForm::settings((string)($row['pi_flexform'] ?? ''));
        $element = PortalElement::fromRow(['uid' => 0, 'CType' => $type] + $row);
        $details = [];
        if ($element->start !== '') {
            $details[] = $this->words(self::CONTENT . 'way.' . ($form['way'] ?? ''));
        }
        if ($element->preset !== '') {
            $details[] = sprintf(
                $this->words(self::MODULE . 'contents.preset'),
                implode(', ', array_filter([$form['category'] ?? '', $form['building'] ?? ''])),
            );
        }
        if ($type !== PortalElement::LINK) {
            $details[] = $this->words(self::CONTENT . 'embedding.' . $element->embedding->value);
        }

        return $details;
    }

    /**
     * @param array<string, mixed> $row
     * @return list<string>
     */
    private function detailsOfAushaenge(array $row): array
    {
        $element = AushangElement::fromRow($row);
        $details = [$this->words(self::CONTENT . 'audience.' . ($element->isPublic ? 'public' : 'own'))];
        if (!$element->isPublic && $this->homeOf((int)($row['pid'] ?? 0), $element) === 0) {
            $details[] = $this->words(self::MODULE . 'contents.noHome');
        }
        if (!$element->saysNone) {
            $details[] = $this->words(self::CONTENT . 'none.nothing');
        }

        return $details;
    }

    private function homeOf(int $page, AushangElement $element): int
    {
        try {
            return $this->home->page($this->siteFinder->getSiteByPageId($page), $element->page);
        } catch (SiteNotFoundException) {
            return 0;
        }
    }

    private function settingsOf(int $page): ?PortalSettings
    {
        try {
            return $this->settings->forSite($this->siteFinder->getSiteByPageId($page));
        } catch (SiteNotFoundException|SettingsIncomplete) {
            return null;
        }
    }

    /**
     * @return array<string, mixed> the record as it is in the database: TYPO3 13 has it so, 14 has an object around it
     */
    private static function row(mixed $record): array
    {
        if ($record instanceof RecordInterface) {
            $raw = method_exists($record, 'getRawRecord') ? $record->getRawRecord() ?? $record : $record;

            return $raw->toArray();
        }

        return is_array($record) ? $record : [];
    }

    private function words(string $label): string
    {
        return $this->languages->createFromUserPreferences($GLOBALS['BE_USER'])->sL($label);
    }
}

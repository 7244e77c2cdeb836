<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Form;

use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Aushang\Choices;
use Mieterportal\Typo3\Content\PortalElement;
use Symfony\Component\DependencyInjection\Attribute\Autoconfigure;
use TYPO3\CMS\Backend\Form\FormDataProviderInterface;
use TYPO3\CMS\Core\Authentication\BackendUserAuthentication;
use TYPO3\CMS\Core\Site\Entity\SiteInterface;

/**
 * Lets editors choose category and building of a content element by their words, as the site's portal knows them.
 *
 * The fields take what is typed, too: while the portal is away they are no worse than before.
 */
#[Autoconfigure(public: true)]
final readonly class ElementChoices implements FormDataProviderInterface
{
    private const FORM = 'pi_flexform';

    public function __construct(private AdminClientFactory $clients) {}

    /**
     * @param array<string, mixed> $result
     * @return array<string, mixed>
     */
    public function addData(array $result): array
    {
        $type = (string)(((array)($result['databaseRow']['CType'] ?? ''))[0] ?? '');
        $site = $result['site'] ?? null;
        if (!in_array($type, [PortalElement::WAY, PortalElement::LINK], true) || !$site instanceof SiteInterface) {
            return $result;
        }
        $offered = array_filter($this->offered($site, $GLOBALS['BE_USER']));
        foreach ($result['processedTca']['columns'][self::FORM]['config']['ds']['sheets'] ?? [] as $sheet => $form) {
            foreach (array_intersect_key($offered, $form['ROOT']['el'] ?? []) as $name => $words) {
                $form['ROOT']['el'][$name]['config']['valuePicker']['items'] = self::items($words);
            }
            $result['processedTca']['columns'][self::FORM]['config']['ds']['sheets'][$sheet] = $form;
        }

        return $result;
    }

    /**
     * @return array<string, array<array-key, string>> words by code, by field
     */
    private function offered(SiteInterface $site, BackendUserAuthentication $user): array
    {
        try {
            $client = $this->clients->forSite($site, $user);

            return [
                'settings.category' => Choices::schadenskategorien($client, AdminClientFactory::language($user)),
                'settings.building' => Choices::gebaeude($client),
            ];
        } catch (NoAnswer) {
            return [];
        }
    }

    /**
     * @param array<array-key, string> $words
     * @return list<array<int|string, string>> TYPO3 13 reads label and value by number, 14 by name and shows both
     */
    private static function items(array $words): array
    {
        $items = [];
        foreach ($words as $code => $word) {
            $label = $word === '' ? (string)$code : $word;
            $items[] = [$label . ' (' . $code . ')', (string)$code, 'label' => $label, 'value' => (string)$code];
        }

        return $items;
    }
}

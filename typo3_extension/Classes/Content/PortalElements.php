<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

use TYPO3\CMS\Core\Database\Connection;
use TYPO3\CMS\Core\Database\ConnectionPool;
use TYPO3\CMS\Core\Database\Query\Restriction\DeletedRestriction;
use TYPO3\CMS\Core\Database\Query\Restriction\EndTimeRestriction;
use TYPO3\CMS\Core\Database\Query\Restriction\HiddenRestriction;
use TYPO3\CMS\Core\Database\Query\Restriction\StartTimeRestriction;
use TYPO3\CMS\Core\Utility\GeneralUtility;

/**
 * Finds the content element of a page in which pages of the portal stand. There is one at most: its links lead to
 * addresses below the page.
 */
final class PortalElements
{
    /** @var array<string, ?PortalElement> */
    private array $known = [];

    public function __construct(private readonly ConnectionPool $connections) {}

    /**
     * Whoever may see it; ask PortalElement::isFor().
     */
    public function fragmentOn(int $pageId, int $languageId): ?PortalElement
    {
        $key = $pageId . '-' . $languageId;
        if (!array_key_exists($key, $this->known)) {
            $this->known[$key] = $this->find($pageId, $languageId);
        }

        return $this->known[$key];
    }

    private function find(int $pageId, int $languageId): ?PortalElement
    {
        foreach ($this->rows($pageId, $languageId) as $row) {
            $element = PortalElement::fromRow($row);
            if ($element->isFragment()) {
                return $element;
            }
        }

        return null;
    }

    /**
     * The translation's own record first, in the order in which the page shows them.
     *
     * @return list<array<string, mixed>>
     */
    private function rows(int $pageId, int $languageId): array
    {
        $query = $this->connections->getQueryBuilderForTable('tt_content');
        $query->getRestrictions()->removeAll();
        foreach ([DeletedRestriction::class, HiddenRestriction::class, StartTimeRestriction::class, EndTimeRestriction::class] as $one) {
            $query->getRestrictions()->add(GeneralUtility::makeInstance($one));
        }
        $types = [PortalElement::PORTAL, PortalElement::WAY];

        return $query->select('uid', 'CType', 'pi_flexform', 'fe_group')
            ->from('tt_content')
            ->where(
                $query->expr()->eq('pid', $query->createNamedParameter($pageId, Connection::PARAM_INT)),
                $query->expr()->in('CType', $query->createNamedParameter($types, Connection::PARAM_STR_ARRAY)),
                $query->expr()->in(
                    'sys_language_uid',
                    $query->createNamedParameter(array_unique([-1, 0, $languageId]), Connection::PARAM_INT_ARRAY),
                ),
                $query->expr()->eq('t3ver_wsid', 0),
            )
            ->orderBy('sys_language_uid', 'DESC')
            ->addOrderBy('colPos')
            ->addOrderBy('sorting')
            ->executeQuery()
            ->fetchAllAssociative();
    }
}

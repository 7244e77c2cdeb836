<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

use Mieterportal\Typo3\Content\FlexForm;
use Mieterportal\Typo3\Content\PortalElement;
use TYPO3\CMS\Core\Database\ConnectionPool;
use TYPO3\CMS\Core\Database\Query\QueryBuilder;
use TYPO3\CMS\Core\Database\Query\Restriction\DeletedRestriction;
use TYPO3\CMS\Core\Exception\SiteNotFoundException;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Site\SiteFinder;

/**
 * Finds the pages that have the portal and the login form on them.
 */
final readonly class PortalPages
{
    private const LOGIN = 'felogin_login';

    public function __construct(
        private ConnectionPool $connectionPool,
        private SiteFinder $siteFinder,
    ) {}

    /**
     * @return ?array{uid: int, title: string} the first page of a site that shows the whole portal
     */
    public function ofPortal(Site $site): ?array
    {
        $query = $this->query('tt_content');
        $rows = $query
            ->select('tt_content.pid', 'pages.title')
            ->from('tt_content')
            ->join('tt_content', 'pages', 'pages', $query->expr()->eq('pages.uid', $query->quoteIdentifier('tt_content.pid')))
            ->where(
                $query->expr()->eq('tt_content.CType', $query->createNamedParameter(PortalElement::PORTAL)),
                $query->expr()->eq('tt_content.hidden', 0),
                $query->expr()->eq('tt_content.sys_language_uid', 0),
                $query->expr()->eq('pages.hidden', 0),
            )
            ->orderBy('tt_content.uid')
            ->executeQuery()
            ->fetchAllAssociative();
        foreach ($rows as $row) {
            if ($this->belongsTo((int)$row['pid'], $site)) {
                return ['uid' => (int)$row['pid'], 'title' => (string)$row['title']];
            }
        }

        return null;
    }

    /**
     * @return string `none`, `missing`, `hidden`, `noForm`, `noReturn` or `good`
     */
    public function login(Site $site, int $page): string
    {
        if ($page === 0) {
            return 'none';
        }
        $query = $this->query('pages');
        $found = $query->select('hidden')->from('pages')->where($query->expr()->eq('uid', $page))->executeQuery()->fetchAssociative();
        if ($found === false) {
            return 'missing';
        }
        if ((int)$found['hidden'] === 1) {
            return 'hidden';
        }
        $query = $this->query('tt_content');
        $forms = $query->select('pi_flexform')->from('tt_content')->where(
            $query->expr()->eq('pid', $page),
            $query->expr()->eq('hidden', 0),
            $query->expr()->eq('CType', $query->createNamedParameter(self::LOGIN)),
        )->executeQuery()->fetchFirstColumn();

        return match (true) {
            $forms === [] => 'noForm',
            array_filter($forms, static fn(mixed $form): bool => self::leadsBack($site, (string)$form)) === [] => 'noReturn',
            default => 'good',
        };
    }

    /**
     * Whether a login form leads back to where somebody came from: by its own redirect modes, or else by the site's.
     */
    private static function leadsBack(Site $site, string $form): bool
    {
        $modes = (FlexForm::settings($form)['redirectMode'] ?? '') ?: $site->getSettings()->get('felogin.redirectMode');

        return is_string($modes) && array_intersect(['getpost', 'referer'], array_map(trim(...), explode(',', $modes))) !== [];
    }

    private function belongsTo(int $page, Site $site): bool
    {
        try {
            return $this->siteFinder->getSiteByPageId($page)->getIdentifier() === $site->getIdentifier();
        } catch (SiteNotFoundException) {
            return false;
        }
    }

    private function query(string $table): QueryBuilder
    {
        $query = $this->connectionPool->getQueryBuilderForTable($table);
        $query->getRestrictions()->removeAll()->add(new DeletedRestriction());

        return $query;
    }
}

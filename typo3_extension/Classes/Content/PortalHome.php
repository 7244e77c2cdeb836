<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Database\Connection;
use TYPO3\CMS\Core\Database\ConnectionPool;
use TYPO3\CMS\Core\Exception\SiteNotFoundException;
use TYPO3\CMS\Core\Routing\InvalidRouteArgumentsException;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Site\SiteFinder;

/**
 * The page of a site in which pages of the portal stand: links and forms of the portal that are shown elsewhere lead
 * there.
 */
final readonly class PortalHome
{
    public function __construct(
        private PortalElements $elements,
        private ConnectionPool $connections,
        private SiteFinder $siteFinder,
    ) {}

    /**
     * @param int $wanted uid of the page that an editor has chosen; 0 for the first one
     * @return string empty when the portal stands in no page
     */
    public function url(ServerRequestInterface $request, Site $site, int $wanted = 0): string
    {
        $page = $this->page($site, $wanted);
        try {
            return $page === 0 ? '' : PageUrl::of($request, $page);
        } catch (InvalidRouteArgumentsException) {
            return ''; // it is not translated, or hidden by its own settings
        }
    }

    public function page(Site $site, int $wanted = 0): int
    {
        foreach ($wanted === 0 ? $this->candidates() : [$wanted] as $page) {
            if ($this->elements->fragmentOn($page, 0) !== null && $this->belongsTo($page, $site)) {
                return $page;
            }
        }

        return 0;
    }

    /**
     * @return list<int> pages with the whole portal first
     */
    private function candidates(): array
    {
        $query = $this->connections->getQueryBuilderForTable('tt_content');
        $types = [PortalElement::PORTAL, PortalElement::WAY];
        $rows = $query
            ->select('tt_content.pid')
            ->from('tt_content')
            ->join('tt_content', 'pages', 'pages', $query->expr()->eq('pages.uid', $query->quoteIdentifier('tt_content.pid')))
            ->where(
                $query->expr()->in('tt_content.CType', $query->createNamedParameter($types, Connection::PARAM_STR_ARRAY)),
                $query->expr()->in('tt_content.sys_language_uid', [-1, 0]),
                $query->expr()->eq('tt_content.t3ver_wsid', 0),
            )
            ->orderBy('tt_content.CType')
            ->addOrderBy('tt_content.uid')
            ->executeQuery()
            ->fetchFirstColumn();

        return array_values(array_unique(array_map(intval(...), $rows)));
    }

    private function belongsTo(int $page, Site $site): bool
    {
        try {
            return $this->siteFinder->getSiteByPageId($page)->getIdentifier() === $site->getIdentifier();
        } catch (SiteNotFoundException) {
            return false;
        }
    }
}
